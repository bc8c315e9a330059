using System.Globalization;

namespace Emu.Compare;

/// <summary>The commands that boot a guest here and in QEMU.</summary>
internal static class Machines
{
    public static IReadOnlyList<string> Emulator(CompareOptions options, Guest guest, string engine, string? statistics = null)
    {
        List<string> command =
        [
            .. options.Emulator, guest.Kernel, "--append", guest.CommandLine, "--memory", options.Memory, "--engine", engine,
            "--vcpus", guest.Vcpus.ToString(CultureInfo.InvariantCulture),
        ];
        if (guest.Initrd is { } initrd)
            command.AddRange(["--initrd", initrd]);
        if (statistics is not null)
            command.AddRange(["--stats", statistics]);
        return command;
    }

    public static IReadOnlyList<string> Qemu(CompareOptions options, Guest guest)
    {
        List<string> command =
        [
            options.Qemu, "-M", "microvm", "-accel", "tcg", "-m", options.Memory, "-smp", guest.Vcpus.ToString(CultureInfo.InvariantCulture),
            "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot", .. guest.QemuMachine,
            "-kernel", guest.Kernel, "-append", guest.CommandLine,
        ];
        if (guest.Initrd is { } initrd)
            command.AddRange(["-initrd", initrd]);
        return command;
    }
}
