using System.Buffers.Binary;
using Emu.Cpu;
using Emu.Cpu.State;

namespace Emu.Xen;

/// <summary>
/// One hypercall as the calling vCPU makes it: number, arguments and result in registers, buffers at guest-virtual addresses. The
/// width follows the current code segment (xen: docs/guest-guide/x86/hypercall-abi.rst).
/// </summary>
/// <remarks>
/// <code>
///            index  arguments 1-5            result
/// 64 bit     RAX    RDI RSI RDX R10 R8       RAX
/// otherwise  EAX    EBX ECX EDX ESI EDI      EAX
/// </code>
/// </remarks>
public readonly unsafe struct GuestCall
{
    private const int Rax = 0, Rcx = 1, Rdx = 2, Rbx = 3, Rsi = 6, Rdi = 7, R8 = 8, R10 = 10;

    private static ReadOnlySpan<byte> Arguments64 => [Rdi, Rsi, Rdx, R10, R8];
    private static ReadOnlySpan<byte> Arguments32 => [Rbx, Rcx, Rdx, Rsi, Rdi];

    private readonly Vcpu _vcpu;

    /// <summary>Looks at the call that a vCPU makes.</summary>
    /// <param name="vcpu">The vCPU, in the middle of VMCALL or VMMCALL.</param>
    public GuestCall(Vcpu vcpu) => _vcpu = vcpu;

    /// <summary>True where registers and structures are those of the 64-bit ABI.</summary>
    public bool Is64Bit => _vcpu.Is64BitCode;

    /// <summary>False where the guest's kernel does not make the call: CPL is not 0, or virtual-8086 mode. Real mode is allowed.</summary>
    public bool IsPrivileged => _vcpu.State->Cpl == 0 && (_vcpu.State->SystemFlags & Rflags.Virtual8086) == 0;

    /// <summary>The hypercall's number.</summary>
    public uint Number => (uint)_vcpu.State->Registers[Rax];

    /// <summary>Sets the result; in the 32-bit ABI the upper half of RAX becomes zero, as by any write of EAX.</summary>
    /// <param name="result">The result.</param>
    public void Return(long result) => _vcpu.State->Registers[Rax] = Is64Bit ? (ulong)result : (uint)result;

    /// <summary>An argument.</summary>
    /// <param name="index">0–4.</param>
    /// <returns>The argument, zero-extended in the 32-bit ABI.</returns>
    public ulong Argument(int index) =>
        Is64Bit ? _vcpu.State->Registers[Arguments64[index]] : (uint)_vcpu.State->Registers[Arguments32[index]];

    /// <summary>Reads guest-virtual memory.</summary>
    /// <param name="address">The address.</param>
    /// <param name="destination">Takes the bytes.</param>
    /// <returns>False where any byte is not readable.</returns>
    public bool TryRead(ulong address, Span<byte> destination) => _vcpu.TryReadVirtual(Wrap(address), destination);

    /// <summary>Writes guest-virtual memory.</summary>
    /// <param name="address">The address.</param>
    /// <param name="source">The bytes.</param>
    /// <returns>False where any byte is not writable.</returns>
    public bool TryWrite(ulong address, ReadOnlySpan<byte> source) => _vcpu.TryWriteVirtual(Wrap(address), source);

    /// <summary>Reads a 32-bit number.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="value">The number.</param>
    /// <returns>False where it is not readable.</returns>
    public bool TryReadUInt32(ulong address, out uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        var read = TryRead(address, bytes);
        value = read ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;
        return read;
    }

    /// <summary>Writes a 32-bit number.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="value">The number.</param>
    /// <returns>False where it is not writable.</returns>
    public bool TryWriteUInt32(ulong address, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return TryWrite(address, bytes);
    }

    /// <summary>Reads a pointer or long of the caller's width.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="value">The value, zero-extended.</param>
    /// <returns>False where it is not readable.</returns>
    public bool TryReadWord(ulong address, out ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        var read = TryRead(address, Is64Bit ? bytes : bytes[..4]);
        value = read ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;
        return read;
    }

    /// <summary>Lets the vCPU wait for an interrupt after this instruction, as HLT does.</summary>
    public void Halt() => _vcpu.State->Pending |= PendingEvents.Halt;

    private ulong Wrap(ulong address) => Is64Bit ? address : (uint)address;
}
