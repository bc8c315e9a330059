using System.Diagnostics;

namespace Emu.Host.Tests.Debugging;

/// <summary>The real gdb, run with commands.</summary>
internal static class Gdb
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Connects, and carries out commands.</summary>
    public static string Run(int port, params string[] commands) => Run([], ["set pagination off", "set confirm off", "set width 0", $"target remote :{port}", .. commands]);

    /// <summary>Carries out commands about a file.</summary>
    public static string Ask(string file, params string[] commands) => Run([file], commands);

    private static string Run(string[] files, string[] commands)
    {
        ProcessStartInfo start = new("gdb") { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.ArgumentList.Add("-nx");
        start.ArgumentList.Add("-batch");
        foreach (string file in files)
            start.ArgumentList.Add(file);
        foreach (string command in commands)
        {
            start.ArgumentList.Add("-ex");
            start.ArgumentList.Add(command);
        }

        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"gdb did not end in {Patience}:\n{output.Result}\n{error.Result}");
        }

        return $"{output.Result}\n--- stderr\n{error.Result}";
    }

    /// <summary>Skips the test where there is no gdb, except in CI.</summary>
    public static void Require()
    {
        bool isThere = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(static folder => File.Exists(Path.Combine(folder, "gdb")));
        bool inCi = string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);
        Assert.True(isThere || !inCi, "gdb is missing, and CI does not skip its tests.");
        Skip.IfNot(isThere, "There is no gdb on the path.");
    }
}
