using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Events;

/// <summary>Values that an event or a far transfer pushes in one go: collected first, then written whole or not at all.</summary>
/// <remarks>A stack grows down: what is pushed first lies highest.</remarks>
internal unsafe ref struct StackFrame
{
    /// <summary>Most bytes in a frame: a 32-bit call gate with 31 parameters, SS, ESP, CS and EIP.</summary>
    public const int Capacity = 160;

    private fixed byte _bytes[Capacity];
    private int _start;

    /// <summary>An empty frame.</summary>
    /// <param name="elementSize">Bytes of each value: 2, 4 or 8.</param>
    public StackFrame(int elementSize)
    {
        ElementSize = elementSize;
        _start = Capacity;
    }

    /// <summary>Bytes of each value.</summary>
    public int ElementSize { get; }

    /// <summary>Bytes pushed so far.</summary>
    public readonly int Size => Capacity - _start;

    /// <summary>Pushes a value, cut to the element size.</summary>
    public void Push(ulong value)
    {
        _start -= ElementSize;
        fixed (byte* bytes = _bytes)
        {
            if (ElementSize == 8)
                *(ulong*)(bytes + _start) = value;
            else if (ElementSize == 4)
                *(uint*)(bytes + _start) = (uint)value;
            else
                *(ushort*)(bytes + _start) = (ushort)value;
        }
    }

    /// <summary>Pushes raw bytes, a multiple of the element size, that keep their order.</summary>
    public void Push(byte* from, int size)
    {
        _start -= size;
        fixed (byte* bytes = _bytes)
            Buffer.MemoryCopy(from, bytes + _start, size, size);
    }

    /// <summary>Writes the frame below a stack pointer of 64-bit code.</summary>
    /// <param name="vcpu">The CPU.</param>
    /// <param name="pointer">RSP; it moves only on success.</param>
    /// <param name="user">Whether the stack is used at CPL 3.</param>
    /// <param name="errorCode">Error code of #SS for an address that is not canonical.</param>
    /// <returns>False with the failure recorded.</returns>
    public readonly bool TryWriteLong(Vcpu vcpu, ref ulong pointer, bool user, uint errorCode)
    {
        var top = pointer - (ulong)Size;
        fixed (byte* bytes = _bytes)
        {
            if (!vcpu.TryWriteSystem(top, bytes + _start, Size, Rights(user), ExceptionVector.StackFault, errorCode))
                return false;
        }
        pointer = top;
        return true;
    }

    /// <summary>Writes the frame below a stack pointer in a segment.</summary>
    /// <param name="vcpu">The CPU.</param>
    /// <param name="stack">The stack segment.</param>
    /// <param name="pointer">SP or ESP, as the segment's B says; it moves only on success.</param>
    /// <param name="user">Whether the stack is used at CPL 3.</param>
    /// <param name="errorCode">Error code of #SS where the frame exceeds the segment.</param>
    /// <returns>False with the failure recorded.</returns>
    public readonly bool TryWrite(Vcpu vcpu, in SegmentRegister stack, ref ulong pointer, bool user, uint errorCode)
    {
        var mask = StackSegment.PointerMask(in stack);
        var top = (pointer - (ulong)Size) & mask;
        fixed (byte* bytes = _bytes)
        {
            if (!StackSegment.TryWrite(vcpu, in stack, top, bytes + _start, Size, ElementSize, user, errorCode))
                return false;
        }
        pointer = top;
        return true;
    }

    private static PageAccess Rights(bool user) => user ? PageAccess.User | PageAccess.Write : PageAccess.Write;
}
