using System.Buffers.Binary;
using System.Globalization;
using Emu.Cpu;
using Emu.Cpu.State;

namespace Emu.Xen.Tracing;

/// <summary>
/// Whose a call is. Kernels make their calls through stubs, Xen's hypercall page or their own, that consist of the instruction and a
/// return: it is the stub's caller then that one wants to know.
/// </summary>
internal sealed unsafe class CallPlace(GuestMemoryReader reader, Func<ulong, string?>? symbols)
{
    private const int StackPointer = 4;
    private const int CallLength = 3;
    private const byte Return = 0xC3, Jump = 0xE9;
    private const int JumpLength = 5;

    // A chain of jumps, as between a stub and a return that is a place of its own, is followed so far.
    private const int MostJumps = 2;

    /// <summary>The place as the end of a line; empty where nothing can be said.</summary>
    public string Of(Vcpu vcpu)
    {
        var state = vcpu.State;
        var segment = vcpu.Is64BitCode ? 0 : state->Segments[(int)SegmentName.Cs].Base;
        var place = state->Rip;
        var isStub = IsReturn(vcpu, segment + state->Rip + CallLength) && TryReadStack(vcpu, ref place);
        if (symbols?.Invoke(place) is { } symbol)
            return $" @ {symbol}";
        return isStub ? string.Create(CultureInfo.InvariantCulture, $" @ {place:x16}") : "";
    }

    private bool IsReturn(Vcpu vcpu, ulong address)
    {
        Span<byte> code = stackalloc byte[JumpLength];
        for (var jumps = 0; jumps <= MostJumps; jumps++)
        {
            if (!reader(vcpu, address, code[..1]))
                return false;
            if (code[0] == Return)
                return true;
            if (code[0] != Jump || !reader(vcpu, address, code))
                return false;
            address += JumpLength + (ulong)BinaryPrimitives.ReadInt32LittleEndian(code[1..]);
        }

        return false;
    }

    private bool TryReadStack(Vcpu vcpu, ref ulong place)
    {
        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        var is64Bit = vcpu.Is64BitCode;
        var top = vcpu.State->Registers[StackPointer];
        if (!is64Bit)
            top = (uint)(top + vcpu.State->Segments[(int)SegmentName.Ss].Base);
        if (!reader(vcpu, top, is64Bit ? bytes : bytes[..4]))
            return false;
        place = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return true;
    }
}
