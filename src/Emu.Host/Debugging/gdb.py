# Lets gdb follow the guest from mode to mode, and go to places in the run. To be fetched by gdb itself, once it is connected:
#   python exec(gdb.execute('monitor script', to_string=True))
import gdb


class EmuView:
    """The view that gdb has of the code: 16, 32 or 64 bits."""

    bits = 0

    @classmethod
    def follow(cls, event=None):
        """Takes over the mode of the vCPU that has stopped."""
        try:
            bits = int(gdb.newest_frame().read_register('code_bits'))
        except (gdb.error, ValueError):
            return
        if bits == cls.bits:
            return
        cls.bits = bits
        gdb.execute('monitor view %d' % bits, to_string=True)
        gdb.execute('unset tdesc filename', to_string=True)


class Emu(gdb.Command):
    """Commands for a guest of emu."""

    def __init__(self):
        super().__init__('emu', gdb.COMMAND_RUNNING, prefix=True)


class EmuGoto(gdb.Command):
    """emu goto COUNT: go to the place in the run with so many instructions retired, forwards or backwards."""

    def __init__(self):
        super().__init__('emu goto', gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        count = int(gdb.parse_and_eval(argument))
        gdb.execute('monitor goto %d' % count, to_string=True)
        gdb.execute('continue')


class EmuWhere(gdb.Command):
    """emu where: the place in the run."""

    def __init__(self):
        super().__init__('emu where', gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        gdb.execute('monitor where')


Emu()
EmuGoto()
EmuWhere()
gdb.events.stop.connect(EmuView.follow)
EmuView.follow()
