using System.Reflection.Emit;
using System.Runtime.Intrinsics;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

// What vector instructions need besides their registers: MXCSR, the upper lanes as a whole.
internal sealed unsafe partial class RegionEmitter
{
    private const int LanesOfRegister = 2;

    private readonly LocalBuilder?[] _laneScratch = new LocalBuilder?[3];

    // Code that lies behind the blocks: a label and what to emit there.
    private readonly List<(Label Label, Action Emit)> _stubs = [];

    /// <summary>A local for a lane that is not in its register yet.</summary>
    /// <param name="number">0 to 2.</param>
    public LocalBuilder ScratchLane(int number) => _laneScratch[number] ??= _il.DeclareLocal(typeof(Vector128<byte>));

    /// <summary>Puts a lane of zeros on the stack.</summary>
    public void LoadZeroLane() => _il.Emit(OpCodes.Call, typeof(Vector128<byte>).GetProperty(nameof(Vector128<byte>.Zero))!.GetMethod!);

    /// <summary>Puts the address of the <see cref="SseContext"/> on the stack.</summary>
    public void LoadSse() => LoadState(nameof(CpuState.Sse));

    /// <summary>Puts the address where a vector register lies on the stack.</summary>
    public void LoadVectorAddress(int number) => LoadState(StateOffset(nameof(CpuState.Vectors)) + number * LanesOfRegister * sizeof(Vector128<byte>));

    /// <summary>Puts a register's lanes where <see cref="LoadVectorAddress"/> says.</summary>
    public void SpillVector(int number)
    {
        for (var lane = 0; lane < LanesOfRegister; lane++)
            WriteLane(number * LanesOfRegister + lane);
    }

    /// <summary>Takes a register's lanes from where <see cref="LoadVectorAddress"/> says.</summary>
    public void ReloadVector(int number)
    {
        for (var lane = 0; lane < LanesOfRegister; lane++)
        {
            _changedLanes |= 1u << (number * LanesOfRegister + lane);
            ReadLane(number * LanesOfRegister + lane);
        }
    }

    /// <summary>Before arithmetic that may leave again by <see cref="LeaveIfUnmasked"/>: notes MXCSR.</summary>
    public LocalBuilder NoteMxcsr()
    {
        var before = _il.DeclareLocal(typeof(uint));
        LoadMxcsr();
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Stloc, before);
        return before;
    }

    /// <summary>After arithmetic: with an unmasked exception, the handler does the instruction again and raises it.</summary>
    /// <param name="before">MXCSR before the instruction; null where doing it twice sets the same flags as doing it once.</param>
    public void LeaveIfUnmasked(LocalBuilder? before)
    {
        var exit = ExitHere();
        var stub = _il.DefineLabel();
        LoadUnmasked();
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Brtrue, stub);
        _stubs.Add((stub, () =>
        {
            if (before != null)
            {
                LoadMxcsr();
                _il.Emit(OpCodes.Ldloc, before);
                _il.Emit(OpCodes.Stind_I4);
            }
            LoadUnmasked();
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Stind_I4);
            _il.Emit(OpCodes.Br, exit);
        }
        ));
    }

    /// <summary>VZEROUPPER and VZEROALL: registers that the region does not use are zeroed where they lie.</summary>
    /// <param name="count">Registers.</param>
    /// <param name="firstLane">1 for the upper lanes alone, 0 for all.</param>
    public void ZeroVectors(int count, int firstLane)
    {
        // Which registers are in locals is known when all blocks have been emitted.
        Label stub = _il.DefineLabel(), done = _il.DefineLabel();
        _il.Emit(OpCodes.Br, stub);
        _il.MarkLabel(done);
        _stubs.Add((stub, () =>
        {
            for (var i = 0; i < count * LanesOfRegister; i++)
            {
                if (i % LanesOfRegister < firstLane)
                    continue;
                if (_lanes[i] is not { } local)
                {
                    LoadState(StateOffset(nameof(CpuState.Vectors)) + i * sizeof(Vector128<byte>));
                    LoadZeroLane();
                    _il.Emit(OpCodes.Stobj, typeof(Vector128<byte>));
                    continue;
                }
                _changedLanes |= 1u << i;
                LoadZeroLane();
                _il.Emit(OpCodes.Stloc, local);
            }
            _il.Emit(OpCodes.Br, done);
        }
        ));
    }

    private void EmitStubs()
    {
        foreach (var (label, emit) in _stubs)
        {
            _il.MarkLabel(label);
            emit();
        }
    }

    private void LoadMxcsr()
    {
        LoadSse();
        Offset(StateLayout.Mxcsr);
    }

    private void LoadUnmasked()
    {
        LoadSse();
        Offset(StateLayout.Unmasked);
    }
}
