using Emu.Cpu.State;

namespace Emu.Cpu.Instrumentation;

// What is noted of each instruction where they are executed one by one.
public sealed unsafe partial class BlockTracer
{
    private const int Registers = (int)TracedRegister.Efer + 1;

    // The registers of each vCPU as they were noted last.
    private readonly Dictionary<int, ulong[]> _registers = [];

    /// <summary>An instruction has been executed alone, or has faulted.</summary>
    internal void NoteStep(Vcpu vcpu) => NoteRegisters(vcpu);

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
        Compare((int)TracedRegister.Rflags, s->SystemFlags | s->Flags.ToRflags());
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
