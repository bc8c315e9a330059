namespace Emu.Xen.Tracing;

/// <summary>A hypercall whose arguments and buffers can be looked at: one that a guest makes, or one that another log tells of.</summary>
public interface ICallSource
{
    /// <summary>The hypercall's number.</summary>
    ulong Number { get; }

    /// <summary>Whether its structures are those of the 64-bit ABI.</summary>
    bool Is64Bit { get; }

    /// <summary>An argument.</summary>
    /// <param name="index">0–4.</param>
    /// <returns>The argument, zero-extended.</returns>
    ulong Argument(int index);

    /// <summary>Reads the caller's memory.</summary>
    /// <param name="address">A virtual address of the caller.</param>
    /// <param name="destination">Takes the bytes.</param>
    /// <returns>False where they are not known.</returns>
    bool TryRead(ulong address, Span<byte> destination);
}
