using Emu.Cpu.State;

namespace Emu.Cpu.Instrumentation;

// What is noted of each instruction where they are executed one by one.
public sealed unsafe partial class BlockTracer
{
    // The widest operand, the area of XSAVE, is no wider.
    private const int LargestValue = 1024;
    private const int Registers = (int)TracedRegister.Efer + 1;

    // The registers of each vCPU as they were noted last.
    private readonly Dictionary<int, ulong[]> _registers = [];

    private readonly List<NotedAccess> _accesses = [];

    // What was read: before the instruction could change it.
    private readonly record struct NotedAccess(ulong Linear, int Size, bool IsWrite, byte[]? Value);

    /// <summary>An instruction has been executed alone, or has faulted; or an event has been delivered.</summary>
    internal void NoteStep(Vcpu vcpu)
    {
        NoteRegisters(vcpu);
        foreach (var access in _accesses)
        {
            var value = access.IsWrite ? Peek(vcpu, access.Linear, access.Size) : access.Value;
            EnsureRoom();
            Append(TraceWord.Of(
                TraceWord.Access, (uint)access.Size | (access.IsWrite ? TraceWord.IsWrite : 0) | (value == null ? 0 : TraceWord.HasValue)));
            Append(access.Linear);
            if (value != null)
                Append(value);
        }
        _accesses.Clear();
    }

    /// <summary>The instruction that is executing, alone, is about to access memory; so is the delivery of an event.</summary>
    internal void NoteAccess(Vcpu vcpu, ulong linear, int size, WatchedAccess access)
    {
        if ((access & WatchedAccess.Read) != 0)
            _accesses.Add(new NotedAccess(linear, size, false, Peek(vcpu, linear, size)));
        if ((access & WatchedAccess.Write) != 0)
            _accesses.Add(new NotedAccess(linear, size, true, null));
    }

    private static byte[]? Peek(Vcpu vcpu, ulong linear, int size)
    {
        var value = new byte[size];
        return size <= LargestValue && vcpu.TryPeek(linear, value) ? value : null;
    }

    private void NoteRegisters(Vcpu vcpu)
    {
        if ((Detail & TraceDetail.Registers) == 0)
            return;
        EnsureRoom();
        if (!_registers.TryGetValue(vcpu.Number, out var known))
            _registers.Add(vcpu.Number, known = new ulong[Registers]);
        var s = vcpu.State;
        var header = _state->Next++;
        var changed = 0u;
        for (var i = 0; i < 16; i++)
            Compare(i, s->Registers[i]);
        Compare((int)TracedRegister.Rflags, vcpu.RflagsImage);
        Compare((int)TracedRegister.FsBase, s->Segments[(int)SegmentName.Fs].Base);
        Compare((int)TracedRegister.GsBase, s->Segments[(int)SegmentName.Gs].Base);
        Compare((int)TracedRegister.Cr0, s->Cr0);
        Compare((int)TracedRegister.Cr2, s->Cr2);
        Compare((int)TracedRegister.Cr3, s->Cr3);
        Compare((int)TracedRegister.Cr4, s->Cr4);
        Compare((int)TracedRegister.Efer, s->Efer);
        if (changed == 0)
            _state->Next = header;
        else
            *header = TraceWord.Of(TraceWord.Registers, changed);

        void Compare(int register, ulong value)
        {
            if (known[register] == value)
                return;
            known[register] = value;
            changed |= 1u << register;
            Append(value);
        }
    }
}
