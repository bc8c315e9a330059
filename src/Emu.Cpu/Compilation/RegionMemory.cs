using System.Runtime.InteropServices;

namespace Emu.Cpu.Compilation;

/// <summary>Unmanaged memory that a region's code refers to by address; it lives as long as the code.</summary>
internal sealed unsafe class RegionMemory : IDisposable
{
    private readonly List<nint> _pieces = [];

    /// <summary>Makes memory for one region.</summary>
    public RegionMemory() => Code = (nint*)Allocate(sizeof(nint));

    /// <summary>Where the address of the code belongs, once it is known.</summary>
    public nint* Code { get; }

    /// <summary>Gets another piece.</summary>
    /// <param name="bytes">How many; what is in them is not determined.</param>
    public void* Allocate(int bytes)
    {
        var piece = NativeMemory.Alloc((nuint)bytes);
        _pieces.Add((nint)piece);
        return piece;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var piece in _pieces)
            NativeMemory.Free((void*)piece);
        _pieces.Clear();
    }
}
