using Emu.Cpu.WarmUp;

namespace Emu.Host.Running;

/// <summary>Has the handlers of common instructions compiled on another thread while the kernel is loaded and makes its first steps.</summary>
internal static class WarmUp
{
    // An operating system's kernel is larger and needs them all; what is smaller would have ended before the warm-up does.
    private const long LeastKernelBytes = 1 << 20;

    /// <summary>Begins, where the kernel is worth it and a processor is free for it.</summary>
    /// <param name="kernel">The kernel's file, which need not exist; null for none.</param>
    public static void BeginFor(string? kernel)
    {
        if (kernel is null || Environment.ProcessorCount == 1)
            return;
        FileInfo file = new(kernel);
        if (file.Exists && file.Length >= LeastKernelBytes)
            new Thread(() => HandlerWarmUp.Run()) { IsBackground = true, Name = "warm-up" }.Start();
    }
}
