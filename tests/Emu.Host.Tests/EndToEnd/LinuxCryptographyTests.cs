namespace Emu.Host.Tests.EndToEnd;

/// <summary>
/// Debian's kernel runs its own known-answer tests over every driver of its modules of x86 cryptography. They need <c>.ci/guests</c>;
/// see <see cref="TestFiles.Guest"/>.
/// </summary>
/// <remarks>
/// The kernel is built with CONFIG_CRYPTO_MANAGER and without CONFIG_CRYPTO_MANAGER_DISABLE_TESTS: it tests an algorithm where a module
/// registers it, and /proc/crypto shows "selftest: passed" only after that test. The names with two underscores are the vector code
/// itself; those without are the same behind the kernel's wrapper, which the tests go through a second time.
/// </remarks>
public sealed class LinuxCryptographyTests
{
    private static readonly string[] Aes =
    [
        "aes-aesni", "__ecb-aes-aesni", "ecb-aes-aesni", "__cbc-aes-aesni", "cbc-aes-aesni", "__cts-cbc-aes-aesni", "cts-cbc-aes-aesni",
        "__ctr-aes-aesni", "ctr-aes-aesni", "__xctr-aes-aesni", "xctr-aes-aesni", "__xts-aes-aesni", "xts-aes-aesni",
        "__rfc4106-gcm-aesni", "rfc4106-gcm-aesni", "__generic-gcm-aesni", "generic-gcm-aesni", "__aegis128-aesni", "aegis128-aesni",
        "__ecb-camellia-aesni", "__cbc-camellia-aesni",
    ];

    private static readonly string[] Sha =
    [
        "sha1-ssse3", "sha1-avx", "sha1-avx2", "sha1-ni",
        "sha224-ssse3", "sha224-avx", "sha224-avx2", "sha224-ni", "sha256-ssse3", "sha256-avx", "sha256-avx2", "sha256-ni",
        "sha384-ssse3", "sha384-avx", "sha384-avx2", "sha512-ssse3", "sha512-avx", "sha512-avx2",
    ];

    private static readonly string[] Avx =
    [
        "__ecb-camellia-aesni-avx2", "__cbc-camellia-aesni-avx2", "__ecb-serpent-avx2", "__cbc-serpent-avx2", "nhpoly1305-avx2",
        "chacha20-simd", "xchacha20-simd", "xchacha12-simd", "poly1305-simd",
        "__ecb-serpent-avx", "__cbc-serpent-avx", "__ecb-twofish-avx", "__cbc-twofish-avx", "__ecb-cast5-avx", "__cbc-cast5-avx",
        "__ecb-cast6-avx", "__cbc-cast6-avx",
    ];

    private static readonly string[] Others =
    [
        "__ghash-pclmulqdqni", "ghash-clmulni", "crct10dif-pclmul", "crc32-pclmul", "crc32c-intel", "curve25519-x86",
        "__ecb-serpent-sse2", "__cbc-serpent-sse2", "nhpoly1305-sse2", "camellia-asm", "blowfish-asm", "des3_ede-asm", "twofish-asm",
        "ecb-twofish-3way", "cbc-twofish-3way",
    ];

    // As /proc/cpuinfo calls what each level of the psABI adds, and some of what lies above the third.
    private static readonly string[][] Flags =
    [
        ["fpu", "cx8", "cmov", "mmx", "fxsr", "sse", "sse2", "syscall", "lm"],
        ["pni", "ssse3", "sse4_1", "sse4_2", "cx16", "popcnt", "lahf_lm"],
        ["xsave", "avx", "avx2", "f16c", "fma", "bmi1", "bmi2", "abm", "movbe"],
        ["aes", "pclmulqdq", "sha_ni", "vaes", "vpclmulqdq", "adx", "rdrand", "rdseed"],
    ];

    [SkippableFact]
    public void Every_cryptographic_driver_of_debians_kernel_passes_its_self_test()
    {
        (string console, Dictionary<string, string> outcomes) = Boot("max");

        Assert.DoesNotContain("REFUSED ", console, StringComparison.Ordinal);
        foreach (string driver in (string[])[.. Aes, .. Sha, .. Avx, .. Others])
            Assert.True(outcomes.ContainsKey(driver), $"/proc/crypto does not show {driver}.\n{console}");
        AssertLevel(4, "raid6: using avx2x2 recovery algorithm", console, outcomes);
        Assert.Contains("raid6: using algorithm avx2x", console, StringComparison.Ordinal);
        Assert.Contains("AES CTR mode by8 optimization enabled", console, StringComparison.Ordinal);
        Assert.Contains("AVX2 version of gcm_enc/dec engaged", console, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("x86-64-v1", 1, "raid6: using intx1 recovery algorithm")]
    [InlineData("x86-64-v2", 2, "raid6: using ssse3x2 recovery algorithm")]
    [InlineData("x86-64-v3", 3, "raid6: using avx2x2 recovery algorithm")]
    public void Linux_finds_what_the_level_has_and_nothing_above_it(string level, int rank, string recovery)
    {
        (string console, Dictionary<string, string> outcomes) = Boot(level);

        AssertLevel(rank, recovery, console, outcomes);
    }

    private static void AssertLevel(int rank, string recovery, string console, Dictionary<string, string> outcomes)
    {
        string line = Assert.Single(console.Split('\n'), line => line.StartsWith("FLAGS ", StringComparison.Ordinal));
        HashSet<string> found = [.. line.TrimEnd('\r').Split(' ')];
        Assert.Equal(Flags.Take(rank).SelectMany(flags => flags), Flags.SelectMany(flags => flags).Where(found.Contains));
        // RAID 6 picks the fastest of its codes, but the recovery code by what the processor has.
        Assert.Contains(recovery, console, StringComparison.Ordinal);
        Assert.Equal(rank >= 2, outcomes.ContainsKey("sha1-ssse3"));
        Assert.Equal(rank >= 3, outcomes.ContainsKey("sha1-avx2"));
        Assert.Equal(rank >= 4, outcomes.ContainsKey("sha1-ni"));
        Assert.Equal(rank >= 4, outcomes.ContainsKey("aes-aesni"));
    }

    private static (string Console, Dictionary<string, string> Outcomes) Boot(string level)
    {
        EmuResult result = EmuProcess.Run(
            "run", TestFiles.Guest("vmlinuz-amd64"), "--initrd", TestFiles.Guest("initrd-crypto.gz"), "--append", "console=ttyS0 panic=-1",
            "--cpu", level, "--timeout", "280");

        string report = $"exit code {result.ExitCode}\n{result.Console}\n--- stderr\n{result.Error}";
        Assert.True(result.Console.Contains("INIT-DONE", StringComparison.Ordinal) && result.ExitCode == 0, report);
        Dictionary<string, string> outcomes = ReadOutcomes(result.Console);
        Assert.All(outcomes, outcome => Assert.Equal("passed", outcome.Value));
        return (result.Console, outcomes);
    }

    // Lines "CRYPTO driver (name, module) selftest: outcome"; the names of drivers may hold parentheses, but no blanks.
    private static Dictionary<string, string> ReadOutcomes(string console)
    {
        Dictionary<string, string> outcomes = new(StringComparer.Ordinal);
        foreach (string line in console.Split('\n').Select(line => line.TrimEnd('\r')).Where(line => line.StartsWith("CRYPTO ", StringComparison.Ordinal)))
        {
            string[] words = line.Split(' ');
            Assert.Equal("selftest:", words[^2]);
            outcomes.Add(words[1], words[^1]);
        }

        return outcomes;
    }
}
