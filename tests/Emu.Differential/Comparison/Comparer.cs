using System.Globalization;
using Emu.Cpu;
using Emu.Cpu.State;
using Emu.Differential.Generation;
using Iced.Intel;

namespace Emu.Differential.Comparison;

/// <summary>Holds one outcome against another.</summary>
public static unsafe class Comparer
{
    private const ulong VisibleFlags = Rflags.Arithmetic | Rflags.Direction | Rflags.AlignmentCheck | Rflags.Identification | Rflags.NestedTask
        | Rflags.Interrupt | Rflags.IoPrivilege | Rflags.Trap;

    private const uint PagePresent = 1;
    // Linux leaves the last page of the lower half out.
    private const ulong EndOfUser = 0x7FFF_FFFF_F000;

    /// <summary>True where two outcomes are the same but for what is undefined.</summary>
    /// <param name="generated">The program.</param>
    /// <param name="before">The state that it began in.</param>
    /// <param name="ours">The outcome that is judged. What the architecture leaves open is replaced by the other's.</param>
    /// <param name="native">The outcome that it is held against.</param>
    /// <param name="ourData">Memory after the one.</param>
    /// <param name="nativeData">Memory after the other.</param>
    public static bool Agree(GeneratedProgram generated, in MachineState before, ref MachineState ours, in MachineState native, Span<byte> ourData, ReadOnlySpan<byte> nativeData)
    {
        Latitude.ReconcilePointers(ref ours, in native);
        if (AreEqual(in ours, in native, VisibleFlags) && ourData.SequenceEqual(nativeData))
            return true;
        var undefined = UndefinedAt(generated, in before, in native);
        if (generated.Facts.Count == 1)
        {
            var instruction = generated.Facts[0].Instruction;
            if (Latitude.RefusesWhatIsNotRead(generated, in before, in ours, in native))
                return true;
            Latitude.Reconcile(in instruction, ref ours, in native);
            if (generated.Facts[0].IsState && native.Vector == MachineState.NoVector)
                Latitude.ReconcileArea(generated.Facts[0].Memory[0].Linear(in before, generated.Program.Size), ourData, nativeData);
            if (native.Vector == MachineState.NoVector && ours.Vector == native.Vector
                && UndefinedFlags.ResultIsUndefined(in instruction, ShiftCount(in instruction, in before)))
            {
                for (var i = 0; i < 16; i++)
                    ours.Registers[i] = native.Registers[i];
                nativeData.CopyTo(ourData);
            }
        }
        if (native.Vector == ExceptionVector.PageFault && ours.Vector == native.Vector && FaultsAnywhere(generated, native.Rip))
            Latitude.ReconcileAddress(ref ours, in native);
        if (native.Vector >= 0)
            Latitude.ReconcileOrder(generated, ref ours, in native);
        if (native.Vector >= 0 && ours.Vector == native.Vector)
            Latitude.ReconcileAll(generated, in before, ref ours, in native, ourData, nativeData);
        // The kernel reports its own half as present whatever is there.
        if (native.Vector == ExceptionVector.PageFault && native.Cr2 >= EndOfUser && ours.Vector == native.Vector)
            ours.ErrorCode = (ours.ErrorCode & ~PagePresent) | (native.ErrorCode & PagePresent);
        return AreEqual(in ours, in native, VisibleFlags & ~undefined) && ourData.SequenceEqual(nativeData);
    }

    /// <summary>What differs, a line for each.</summary>
    public static List<string> Differences(GeneratedProgram generated, in MachineState before, in MachineState ours, in MachineState native, ReadOnlySpan<byte> ourData, ReadOnlySpan<byte> nativeData)
    {
        var lines = new List<string>();
        var undefined = UndefinedAt(generated, in before, in native);
        Line("vector", (ulong)(uint)ours.Vector, (ulong)(uint)native.Vector);
        Line("error code", ours.ErrorCode, native.ErrorCode);
        Line("CR2", ours.Cr2, native.Cr2);
        Line("RIP", ours.Rip, native.Rip);
        for (var i = 0; i < 16; i++)
            Line((Register.RAX + i).ToString(), ours.Registers[i], native.Registers[i]);
        Line("flags", ours.Flags & VisibleFlags & ~undefined, native.Flags & VisibleFlags & ~undefined);
        Line("FS base", ours.FsBase, native.FsBase);
        Line("GS base", ours.GsBase, native.GsBase);
        for (var i = 0; i < 6; i++)
            Line(((SegmentName)i).ToString().ToUpperInvariant(), ours.Selectors[i], native.Selectors[i]);
        fixed (byte* a = ours.Xsave, b = native.Xsave)
        {
            Line("FCW", *(ushort*)a, *(ushort*)b);
            Line("FSW", *(ushort*)(a + XsaveImage.StatusWord), *(ushort*)(b + XsaveImage.StatusWord));
            Line("tags", *(ushort*)(a + XsaveImage.Tags), *(ushort*)(b + XsaveImage.Tags));
            Line("FOP", *(ushort*)(a + XsaveImage.Opcode), *(ushort*)(b + XsaveImage.Opcode));
            Line("FIP", *(ulong*)(a + XsaveImage.InstructionPointer), *(ulong*)(b + XsaveImage.InstructionPointer));
            Line("FDP", *(ulong*)(a + XsaveImage.OperandPointer), *(ulong*)(b + XsaveImage.OperandPointer));
            Line("MXCSR", *(uint*)(a + XsaveImage.Mxcsr), *(uint*)(b + XsaveImage.Mxcsr));
            for (var i = 0; i < 8; i++)
            {
                var at = XsaveImage.Stack + i * 16;
                Wide($"ST{i}", *(ushort*)(a + at + 8), *(ulong*)(a + at), *(ushort*)(b + at + 8), *(ulong*)(b + at));
            }
            for (var i = 0; i < 16; i++)
            {
                Wide($"XMM{i}", *(ulong*)(a + XsaveImage.Xmm + i * 16 + 8), *(ulong*)(a + XsaveImage.Xmm + i * 16),
                    *(ulong*)(b + XsaveImage.Xmm + i * 16 + 8), *(ulong*)(b + XsaveImage.Xmm + i * 16));
                Wide($"YMM{i} high", *(ulong*)(a + XsaveImage.YmmHigh + i * 16 + 8), *(ulong*)(a + XsaveImage.YmmHigh + i * 16),
                    *(ulong*)(b + XsaveImage.YmmHigh + i * 16 + 8), *(ulong*)(b + XsaveImage.YmmHigh + i * 16));
            }
        }
        for (var at = 0; at < ourData.Length; at += 8)
        {
            if (!ourData.Slice(at, 8).SequenceEqual(nativeData.Slice(at, 8)))
                Line($"[{Layout.Data + (ulong)at:x}]", BitConverter.ToUInt64(ourData[at..]), BitConverter.ToUInt64(nativeData[at..]));
        }
        return lines;

        void Line(string what, ulong a, ulong b)
        {
            if (a != b)
                lines.Add(string.Create(CultureInfo.InvariantCulture, $"{what}: ours {a:x}, native {b:x}"));
        }

        void Wide(string what, ulong ah, ulong al, ulong bh, ulong bl)
        {
            if (ah != bh || al != bl)
                lines.Add(string.Create(CultureInfo.InvariantCulture, $"{what}: ours {ah:x16}_{al:x16}, native {bh:x16}_{bl:x16}"));
        }
    }

    /// <summary>The masked count of a shift or rotation.</summary>
    public static int ShiftCount(in Instruction instruction, in MachineState before)
    {
        var last = instruction.OpCount - 1;
        if (last < 1)
            return 0;
        var count = instruction.GetOpKind(last) == OpKind.Register ? (int)before.Registers[1]
            : instruction.GetOpKind(last) == OpKind.Immediate8 ? instruction.Immediate8 : 0;
        var wide = instruction.Op0Kind == OpKind.Register ? instruction.Op0Register.GetSize() == 8 : instruction.MemorySize.GetSize() == 8;
        return count & (wide ? 63 : 31);
    }

    private static bool FaultsAnywhere(GeneratedProgram generated, ulong rip)
    {
        foreach (var facts in generated.Facts)
        {
            if (facts.Instruction.IP == rip && facts.IsLarge)
                return true;
        }
        return false;
    }

    // After a fault: what the instruction before it left. At a landing: the end, or any branch that led there.
    private static ulong UndefinedAt(GeneratedProgram generated, in MachineState before, in MachineState native)
    {
        if (generated.Facts.Count == 1)
        {
            var instruction = generated.Facts[0].Instruction;
            return native.Vector == MachineState.NoVector ? UndefinedFlags.After(in instruction, ShiftCount(in instruction, in before)) : 0;
        }
        var undefined = 0UL;
        for (var i = 0; i < generated.Facts.Count; i++)
        {
            var isLast = i == generated.Facts.Count - 1;
            if (native.Vector == MachineState.NoVector ? isLast || generated.Facts[i].Instruction.FlowControl != FlowControl.Next
                : isLast || generated.Facts[i].Instruction.NextIP == native.Rip || generated.Facts[i].Instruction.FlowControl != FlowControl.Next)
            {
                undefined |= generated.UndefinedAfter[i];
            }
        }
        return undefined;
    }

    private static bool AreEqual(in MachineState a, in MachineState b, ulong flags)
    {
        fixed (MachineState* x = &a, y = &b)
        {
            if (((x->Flags ^ y->Flags) & flags) != 0 || x->Rip != y->Rip || x->FsBase != y->FsBase || x->GsBase != y->GsBase
                || x->Vector != y->Vector || x->ErrorCode != y->ErrorCode || x->Cr2 != y->Cr2)
            {
                return false;
            }
            return Same(x->Registers, y->Registers, 128) && Same(x->Selectors, y->Selectors, 12) && Same(x->Xsave, y->Xsave, XsaveImage.MxcsrMask)
                && Same(x->Xsave + XsaveImage.Stack, y->Xsave + XsaveImage.Stack, XsaveImage.LegacyEnd - XsaveImage.Stack)
                && Same(x->Xsave + XsaveImage.YmmHigh, y->Xsave + XsaveImage.YmmHigh, 256);
        }
    }

    private static bool Same(void* a, void* b, int length) => new ReadOnlySpan<byte>(a, length).SequenceEqual(new ReadOnlySpan<byte>(b, length));
}
