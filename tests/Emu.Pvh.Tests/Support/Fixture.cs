namespace Emu.Pvh.Tests.Support;

/// <summary>Files that real tools wrote; see Fixtures/make-fixtures.sh.</summary>
internal static class Fixture
{
    /// <summary>The endings of all compressed forms.</summary>
    public static readonly string[] Forms =
    [
        "gz", "bz2", "lzma", "xz", "crc64.xz", "sha256.xz", "lz4", "frame.lz4", "zst", "fast.zst", "lzo", "fast.lzo",
    ];

    public static byte[] Read(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures", name));
}
