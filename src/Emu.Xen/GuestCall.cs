using System.Buffers.Binary;
using Emu.Cpu;
using Emu.Cpu.State;
using Emu.Xen.Domains;

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
    private const int ArgumentCount = 5;
    private const int Rax = 0, Rcx = 1, Rdx = 2, Rbx = 3, Rsi = 6, Rdi = 7, R8 = 8, R10 = 10;

    private readonly ArgumentList _arguments;

    /// <summary>Takes the call that a vCPU makes from its registers.</summary>
    /// <param name="domain">The vCPU's domain.</param>
    /// <param name="caller">The vCPU, in the middle of VMCALL or VMMCALL.</param>
    public GuestCall(Domain domain, DomainVcpu caller)
    {
        Domain = domain;
        Caller = caller;
        Is64Bit = caller.Vcpu.Is64BitCode;
        var registers = caller.Vcpu.State->Registers;
        var places = Places(Is64Bit);
        Number = Is64Bit ? registers[Rax] : (uint)registers[Rax];
        for (var i = 0; i < ArgumentCount; i++)
            _arguments[i] = Is64Bit ? registers[places[i]] : (uint)registers[places[i]];
    }

    /// <summary>A call of a multicall's list.</summary>
    /// <param name="batch">The multicall.</param>
    /// <param name="number">The hypercall's number.</param>
    /// <param name="arguments">Its arguments, zero-extended; five of them at most count.</param>
    public GuestCall(in GuestCall batch, ulong number, ReadOnlySpan<ulong> arguments)
    {
        Domain = batch.Domain;
        Caller = batch.Caller;
        Is64Bit = batch.Is64Bit;
        Number = number;
        for (var i = 0; i < Math.Min(ArgumentCount, arguments.Length); i++)
            _arguments[i] = arguments[i];
    }

    private static ReadOnlySpan<int> Places(bool is64Bit) => is64Bit ? [Rdi, Rsi, Rdx, R10, R8] : [Rbx, Rcx, Rdx, Rsi, Rdi];

    [System.Runtime.CompilerServices.InlineArray(ArgumentCount)]
    private struct ArgumentList
    {
        private ulong _first;
    }

    /// <summary>The domain that calls.</summary>
    public Domain Domain { get; }

    /// <summary>The vCPU that calls.</summary>
    public DomainVcpu Caller { get; }

    /// <summary>How much more may be done before others get a turn.</summary>
    internal HypercallWork Work => Caller.Work;

    /// <summary>True where registers and structures are those of the 64-bit ABI.</summary>
    public bool Is64Bit { get; }

    /// <summary>Bytes of a pointer or long in the caller's structures: 8 or 4.</summary>
    public int WordLength => Is64Bit ? 8 : 4;

    /// <summary>The hypercall's number: anything.</summary>
    public ulong Number { get; }

    /// <summary>False where the guest's kernel does not make the call: CPL is not 0, or virtual-8086 mode. Real mode is allowed.</summary>
    public bool IsPrivileged => Vcpu.State->Cpl == 0 && (Vcpu.State->SystemFlags & Rflags.Virtual8086) == 0;

    private Vcpu Vcpu => Caller.Vcpu;

    /// <summary>Sets the result; in the 32-bit ABI the upper half of RAX becomes zero, as by any write of EAX.</summary>
    /// <param name="result">The result.</param>
    public void Return(long result) => Vcpu.State->Registers[Rax] = Is64Bit ? (ulong)result : (uint)result;

    /// <summary>Sets the first arguments anew, with which the instruction is executed again.</summary>
    /// <param name="arguments">The arguments.</param>
    internal void Rewrite(ReadOnlySpan<ulong> arguments)
    {
        var registers = Caller.Vcpu.State->Registers;
        var places = Places(Is64Bit);
        for (var i = 0; i < arguments.Length; i++)
            registers[places[i]] = Is64Bit ? arguments[i] : (uint)arguments[i];
    }

    /// <summary>An argument.</summary>
    /// <param name="index">0–4.</param>
    /// <returns>The argument, zero-extended in the 32-bit ABI.</returns>
    public ulong Argument(int index) => _arguments[index];

    /// <summary>Answers a sub-operation that there is not: the log tells of it, and the guest gets -ENOSYS.</summary>
    /// <param name="operation">Its number.</param>
    /// <returns>-ENOSYS.</returns>
    public long Unsupported(uint operation)
    {
        Domain.Host.Unsupported(Vcpu, $"sub-operation {operation} of hypercall {Number}");
        return XenError.NotImplemented;
    }

    /// <summary>Reads guest-virtual memory.</summary>
    /// <param name="address">The address.</param>
    /// <param name="destination">Takes the bytes.</param>
    /// <returns>False where any byte is not readable.</returns>
    public bool TryRead(ulong address, Span<byte> destination) => Vcpu.TryReadVirtual(Wrap(address), destination);

    /// <summary>Writes guest-virtual memory.</summary>
    /// <param name="address">The address.</param>
    /// <param name="source">The bytes.</param>
    /// <returns>False where any byte is not writable.</returns>
    public bool TryWrite(ulong address, ReadOnlySpan<byte> source) => Vcpu.TryWriteVirtual(Wrap(address), source);

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

    private ulong Wrap(ulong address) => Is64Bit ? address : (uint)address;
}
