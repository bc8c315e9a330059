using System.Runtime.InteropServices;
using Emu.Cpu.Events;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.Platform;
using Emu.Cpu.State;

namespace Emu.Cpu.WarmUp;

/// <summary>
/// Has the handlers of common instructions compiled before a guest needs them, by running a program of such instructions on a vCPU of its own.
/// </summary>
/// <remarks>
/// A handler is compiled when it is first called, on the guest's thread: half a millisecond each, a tenth of a boot's time in all. On another
/// thread the same work is done beside the loading of the kernel and its first instructions. A program that runs, rather than a list of handlers,
/// follows by itself whatever the binders choose. No guest can tell the difference: nothing is shared with its vCPU but machine code.
/// </remarks>
public static unsafe class HandlerWarmUp
{
    private const ulong RamBytes = 1 << 20;
    private const ulong Code = 0x1000;
    private const ulong Data = 0x8_0000;
    private const ulong Stack = 0xF_0000;

    // The program has no loops but its few repeated string instructions.
    private const ulong MostInstructions = 100_000;

    /// <summary>Runs the program.</summary>
    /// <returns>How it ended; <see cref="RunExit.Halted"/> where it ran to its end.</returns>
    public static RunExit Run()
    {
        byte* ram = (byte*)NativeMemory.AlignedAlloc((nuint)RamBytes, PhysicalMemory.PageSize);
        try
        {
            NativeMemory.Clear(ram, (nuint)RamBytes);
            var memory = new PhysicalMemory(ram, RamBytes, RamBytes);
            using var blocks = new BlockCache(memory, arenaBytes: 4 << 20);
            var surroundings = new Surroundings();
            using var vcpu = new Vcpu(new VcpuOptions
            {
                Memory = memory,
                Blocks = blocks,
                Ports = surroundings,
                Mmio = surroundings,
                Interrupts = surroundings,
                Observer = surroundings,
                Model = new CpuModel(),
            });
            memory.TryWrite(Code, WarmUpProgram.Assemble(Code));
            Enter(vcpu);
            return vcpu.Run(MostInstructions);
        }
        finally
        {
            NativeMemory.AlignedFree(ram);
        }
    }

    // 64-bit mode without paging: no processor has that, and no handler looks.
    private static void Enter(Vcpu vcpu)
    {
        var s = vcpu.State;
        s->Cr0 = Cr0.Pe;
        s->Efer = Efer.Lme | Efer.Lma;
        s->SystemFlags = Rflags.AlwaysSet;
        s->Segments[(int)SegmentName.Cs].Attributes =
            SegmentAttributes.Present | SegmentAttributes.CodeOrData | SegmentAttributes.Code | SegmentAttributes.Long;
        s->Rip = Code;
        s->Registers[WarmUpProgram.DataRegister] = Data;
        s->Registers[WarmUpProgram.SourceRegister] = Data;
        s->Registers[WarmUpProgram.DestinationRegister] = Data + 0x1000;
        s->Registers[WarmUpProgram.StackRegister] = Stack;
        vcpu.StateChanged();
    }

    private sealed class Surroundings : IPortBus, IMmioBus, ILocalInterrupts, IVcpuObserver
    {
        public bool HasInterrupt => false;

        public byte TaskPriorityClass { get; set; }

        public byte Acknowledge() => 0;

        public uint Read(ushort port, int size) => uint.MaxValue;

        public void Write(ushort port, int size, uint value)
        {
        }

        public ulong Read(ulong address, int size) => ulong.MaxValue;

        public void Write(ulong address, int size, ulong value)
        {
        }

        public bool TryReadMsr(uint msr, out ulong value)
        {
            value = 0;
            return false;
        }

        public bool TryWriteMsr(uint msr, ulong value) => false;

        public void Unsupported(Vcpu vcpu, string what)
        {
        }

        public void Delivering(Vcpu vcpu, in EventInFlight delivered)
        {
        }
    }
}
