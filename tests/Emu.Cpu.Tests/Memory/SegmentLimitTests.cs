using Emu.Cpu.State;
using Emu.Cpu.Tests.Supervisor;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Memory;

/// <summary>Limit and type of segments on every access outside 64-bit code (SDM Vol. 3, 5.3 and 5.5), and where stacks wrap.</summary>
public sealed unsafe class SegmentLimitTests
{
    private const uint Base = Guest.Data;

    [Theory]
    [InlineData(SegmentName.Es, ExceptionVector.GeneralProtection)]
    [InlineData(SegmentName.Ss, ExceptionVector.StackFault)]
    public void Accesses_keep_to_limit_and_type(SegmentName name, int vector)
    {
        using var guest = Guest.Protected();
        guest.State->Cr4 |= Cr4.Osfxsr;
        var original = guest.State->Segments[(int)name];
        int[] types = name == SegmentName.Es ? [0x00, 0x91, 0x93, 0x95, 0x97, 0x99, 0x9B] : [0x93, 0x97];
        foreach (var type in types)
        {
            foreach (var big in (bool[])[false, true])
            {
                foreach (var limit in (uint[])[0, 0xFFF, 0xFFFF, 0x1_0FFF, uint.MaxValue])
                {
                    foreach (var size in (int[])[1, 2, 4, 8, 16])
                    {
                        for (var access = 0; access < 2; access++)
                        {
                            foreach (var offset in Offsets(limit, size))
                            {
                                var register = new SegmentRegister
                                {
                                    Base = Base,
                                    Limit = limit,
                                    Selector = original.Selector,
                                    Attributes = (SegmentAttributes)type | (big ? SegmentAttributes.Default32 : 0),
                                };
                                var allowed = Allows(type, big, limit, offset, size, access == 1);
                                var ended = Run(guest, name, register, original, offset, size, access == 1);
                                Assert.True(ended == (allowed ? ExceptionVector.InvalidOpcode : vector),
                                    $"type {type:X} B={big} limit {limit:X} offset {offset:X} size {size} write {access}: vector {ended}");
                            }
                        }
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(0x0001UL, ExceptionVector.StackFault)]
    [InlineData(0x0002UL, ExceptionVector.InvalidOpcode)]
    [InlineData(0x0000UL, ExceptionVector.InvalidOpcode)]
    public void A_16_bit_stack_wraps_between_elements_but_not_within_one(ulong sp, int expected)
    {
        using var guest = Guest.Protected();
        guest.State->Segments[(int)SegmentName.Ss].Attributes &= ~SegmentAttributes.Default32;
        guest.State->Segments[(int)SegmentName.Ss].Limit = 0xFFFF;
        guest.Vcpu.StateChanged();
        guest.State->Registers[4] = 0x1234_0000 | sp;
        guest.Assemble(a => { a.push(ax); a.mov(ecx, esp); a.mov(esp, 0x8000); a.ud2(); });
        if (expected == ExceptionVector.StackFault)
        {
            // There is no room for the fault's own frame either.
            Assert.Equal(RunExit.Shutdown, guest.Run());
            Assert.Equal(ExceptionVector.StackFault, guest.Delivered[0].Vector);
            return;
        }
        Assert.Equal(expected, guest.RunToHandler());
        Assert.Equal(0x1234_0000UL | (ushort)(sp - 2), guest.Rcx);
    }

    [Fact]
    public void A_word_at_the_end_of_a_real_mode_segment_faults()
    {
        using var guest = Guest.Real();
        guest.Write(13u * 4, Guest.Handlers);
        guest.Write(Guest.Handlers, (byte)0xF4);
        guest.Assemble(a => a.mov(ax, __word_ptr[0xFFFF]));
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(ExceptionVector.GeneralProtection, guest.Delivered[0].Vector);
    }

    // SDM Vol. 3, 5.3: expand-up up to the limit, expand-down from above it; 5.5: what each type may be used for.
    private static bool Allows(int type, bool big, uint limit, uint offset, int size, bool write)
    {
        var isPresent = (type & 0x80) != 0;
        var isCode = (type & 8) != 0;
        var last = (ulong)offset + (uint)size - 1;
        if (!isPresent || (write && (isCode || (type & 2) == 0)) || (!write && isCode && (type & 2) == 0))
            return false;
        if (isCode || (type & 4) == 0)
            return last <= limit;
        return offset > limit && last <= (big ? 0xFFFF_FFFFUL : 0xFFFF);
    }

    // Around both ends of what each kind of segment may reach. Whether an access to the very end of 4 GiB wraps is left open (5.3).
    private static IEnumerable<uint> Offsets(uint limit, int size)
    {
        var candidates = new[] { 0L, 1, limit - size, limit - size + 1, limit - size + 2, limit, limit + 1, 0x1_0000 - size, 0x1_0001 - size, 0xFFFF_FFF0 - size };
        return candidates.Where(offset => offset >= 0 && offset + size <= 0x1_0000_0000).Select(offset => (uint)offset).Distinct();
    }

    private static int Run(Guest guest, SegmentName name, SegmentRegister register, SegmentRegister original, uint offset, int size, bool write)
    {
        var s = guest.State;
        s->Segments[(int)name] = register;
        // The handler runs on a stack that works: that of a task with rights to less.
        s->Cpl = name == SegmentName.Ss ? 3u : 0;
        var code = s->Segments[(int)SegmentName.Cs];
        if (name == SegmentName.Ss)
        {
            guest.EnterRing3();
            s->Segments[(int)name] = register;
            s->Segments[(int)name].Attributes |= (SegmentAttributes)0x60;
            s->Segments[(int)name].Selector = Guest.UserData;
        }
        guest.Vcpu.StateChanged();
        s->Registers[7] = offset;
        var prefix = name == SegmentName.Ss ? (byte)0x36 : (byte)0x26;
        byte[] instruction = (size, write) switch
        {
            (1, false) => [0x8A, 0x07],
            (1, true) => [0x88, 0x07],
            (2, false) => [0x66, 0x8B, 0x07],
            (2, true) => [0x66, 0x89, 0x07],
            (4, false) => [0x8B, 0x07],
            (4, true) => [0x89, 0x07],
            (8, false) => [0x0F, 0x6F, 0x07],
            (8, true) => [0x0F, 0x7F, 0x07],
            (_, false) => [0x0F, 0x10, 0x07],
            (_, true) => [0x0F, 0x11, 0x07],
        };
        var at = name == SegmentName.Ss ? Guest.UserCode : Guest.Code;
        guest.Vcpu.Memory.TryWrite(at, [prefix, .. instruction, 0x0F, 0x0B]);
        s->Rip = at;
        s->Pending &= ~PendingEvents.Halt;
        if (name != SegmentName.Ss)
            s->Registers[4] = Guest.Stack;
        var vector = guest.RunToHandler();
        if (name == SegmentName.Ss)
        {
            s->Segments[(int)SegmentName.Cs] = code;
            s->Cpl = 0;
        }
        s->Segments[(int)name] = original;
        return vector;
    }
}
