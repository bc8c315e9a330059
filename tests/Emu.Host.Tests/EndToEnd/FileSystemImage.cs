using System.Diagnostics;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>Disk images with a file system, made and checked by the programs of Debian's package e2fsprogs; without it tests are skipped.</summary>
internal static class FileSystemImage
{
    /// <summary>A file on the disk that /init of initrd-domu.gz expects (.ci/guests).</summary>
    private const string Hello = "hello from outside\n";

    /// <summary>Makes a disk with an ext4 file system.</summary>
    public static string Make(TestFiles.TemporaryFolder folder)
    {
        string root = Directory.CreateDirectory(folder.File("root")).FullName;
        File.WriteAllText(Path.Combine(root, "hello"), Hello);
        string disk = folder.File("disk.img");
        using (FileStream image = File.Create(disk))
            image.SetLength(64 << 20);
        Assert.Equal(0, Run("mke2fs", "-q", "-t", "ext4", "-d", root, disk));
        return disk;
    }

    /// <summary>True where nothing is wrong with a disk's file system.</summary>
    public static bool IsSound(string disk) => Run("e2fsck", "-f", "-n", disk) == 0;

    /// <summary>True where a file system is mounted, or was when its computer went down: its journal is to be replayed.</summary>
    public static bool NeedsRecovery(string disk)
    {
        // s_feature_incompat of the superblock, EXT3_FEATURE_INCOMPAT_RECOVER.
        using FileStream image = File.OpenRead(disk);
        image.Position = 1024 + 0x60;
        return (image.ReadByte() & 4) != 0;
    }

    /// <summary>Replays the journal as a computer does that starts again; true where that needs no one to decide anything.</summary>
    public static bool Recover(string disk) => Run("e2fsck", "-p", disk) is 0 or 1;

    /// <summary>A file of a disk, copied out of it.</summary>
    public static byte[] Read(TestFiles.TemporaryFolder folder, string disk, string name)
    {
        string copy = folder.File("copy");
        Assert.Equal(0, Run("debugfs", "-R", $"dump {name} {copy}", disk));
        return File.ReadAllBytes(copy);
    }

    private static int Run(string name, params string[] arguments)
    {
        string? path = Array.Find([$"/usr/sbin/{name}", $"/sbin/{name}", $"/usr/bin/{name}"], File.Exists);
        Skip.If(path is null, $"{name} is not there; Debian's package e2fsprogs has it.");
        ProcessStartInfo start = new(path!, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        process.StandardOutput.ReadToEnd();
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }
}
