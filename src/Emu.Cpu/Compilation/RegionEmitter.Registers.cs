using System.Reflection.Emit;
using System.Runtime.Intrinsics;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

// The guest's registers: locals while the region runs.
internal sealed unsafe partial class RegionEmitter
{
    private readonly LocalBuilder?[] _registers = new LocalBuilder?[16];

    // Lower and upper lanes of the vector registers.
    private readonly LocalBuilder?[] _lanes = new LocalBuilder?[32];
    private uint _changed, _changedLanes;
    private bool _usesSse, _usesAvx;

    /// <summary>Puts a general register on the stack, at its width: 64 bits as such, less as 32.</summary>
    /// <param name="offset">Its byte offset in the state, as ops have it.</param>
    /// <param name="size">Bytes.</param>
    public void LoadRegister(byte offset, int size)
    {
        if (offset == CpuState.ZeroOffset)
        {
            _il.Emit(OpCodes.Ldc_I8, 0L);
        }
        else if (offset == CpuState.RipOffset)
        {
            LoadRip(0);
        }
        else
        {
            _il.Emit(OpCodes.Ldloc, RegisterLocal(offset >> 3));
            if ((offset & 7) != 0)
            {
                _il.Emit(OpCodes.Ldc_I4_8);
                _il.Emit(OpCodes.Shr_Un);
            }
        }
        Narrow(size);
    }

    /// <summary>Takes a value at its width from the stack into a general register.</summary>
    /// <param name="offset">Its byte offset in the state.</param>
    /// <param name="size">Bytes: 8 and 16 bits leave the rest, 32 clear the upper half.</param>
    public void StoreRegister(byte offset, int size)
    {
        var number = offset >> 3;
        var local = RegisterLocal(number);
        _changed |= 1u << number;
        if (size == 4)
        {
            _il.Emit(OpCodes.Conv_U8);
        }
        else if (size < 4)
        {
            var shift = (offset & 7) * 8;
            var mask = (size == 1 ? 0xFFL : 0xFFFF) << shift;
            _il.Emit(size == 1 ? OpCodes.Conv_U1 : OpCodes.Conv_U2);
            _il.Emit(OpCodes.Conv_U8);
            if (shift != 0)
            {
                _il.Emit(OpCodes.Ldc_I4, shift);
                _il.Emit(OpCodes.Shl);
            }
            _il.Emit(OpCodes.Ldloc, local);
            _il.Emit(OpCodes.Ldc_I8, ~mask);
            _il.Emit(OpCodes.And);
            _il.Emit(OpCodes.Or);
        }
        _il.Emit(OpCodes.Stloc, local);
    }

    /// <summary>Puts an immediate on the stack at its width.</summary>
    public void LoadImmediate(long value, int size)
    {
        switch (size)
        {
            case 8:
                _il.Emit(OpCodes.Ldc_I8, value);
                break;
            case 4:
                _il.Emit(OpCodes.Ldc_I4, (int)value);
                break;
            case 2:
                _il.Emit(OpCodes.Ldc_I4, (int)(ushort)value);
                break;
            default:
                _il.Emit(OpCodes.Ldc_I4, (int)(byte)value);
                break;
        }
    }

    /// <summary>Cuts a 64-bit value on the stack to a width.</summary>
    public void Narrow(int size)
    {
        switch (size)
        {
            case 4:
                _il.Emit(OpCodes.Conv_U4);
                break;
            case 2:
                _il.Emit(OpCodes.Conv_U2);
                break;
            case 1:
                _il.Emit(OpCodes.Conv_U1);
                break;
        }
    }

    /// <summary>Zero-extends a value on the stack from its width to 64 bits.</summary>
    public void Widen(int size)
    {
        if (size != 8)
            _il.Emit(OpCodes.Conv_U8);
    }

    /// <summary>Sign-extends a value on the stack from its width to 64 bits.</summary>
    public void SignExtend(int size)
    {
        switch (size)
        {
            case 4:
                _il.Emit(OpCodes.Conv_I4);
                break;
            case 2:
                _il.Emit(OpCodes.Conv_I2);
                break;
            case 1:
                _il.Emit(OpCodes.Conv_I1);
                break;
            default:
                return;
        }
        _il.Emit(OpCodes.Conv_I8);
    }

    /// <summary>The type that a width has as a type argument of operations.</summary>
    public static Type TypeOf(int size) => size switch { 1 => typeof(byte), 2 => typeof(ushort), 4 => typeof(uint), _ => typeof(ulong) };

    /// <summary>A local for a value of a width, one of a few that emissions share.</summary>
    public LocalBuilder Scratch(int size, int number = 0)
    {
        var index = number * 2 + (size == 8 ? 1 : 0);
        return _scratch[index] ??= _il.DeclareLocal(size == 8 ? typeof(ulong) : typeof(uint));
    }

    private readonly LocalBuilder?[] _scratch = new LocalBuilder?[8];

    /// <summary>Puts a lane of a vector register on the stack.</summary>
    /// <param name="number">The register.</param>
    /// <param name="lane">0 for the lower 128 bits, 1 for the upper.</param>
    public void LoadLane(int number, int lane) => _il.Emit(OpCodes.Ldloc, LaneLocal(number * 2 + lane));

    /// <summary>Takes a lane of a vector register from the stack.</summary>
    public void StoreLane(int number, int lane)
    {
        _changedLanes |= 1u << (number * 2 + lane);
        _il.Emit(OpCodes.Stloc, LaneLocal(number * 2 + lane));
    }

    /// <summary>The instruction needs vector registers, which the control registers may have made unavailable: looked at once, on entry.</summary>
    /// <param name="isVex">As VEX encodings do.</param>
    public void NeedVectors(bool isVex)
    {
        _usesSse |= !isVex;
        _usesAvx |= isVex;
    }

    private void LoadRip(long delta)
    {
        _il.Emit(OpCodes.Ldloc, _origin);
        var distance = _block.Delta + delta;
        if (distance == 0)
            return;
        _il.Emit(OpCodes.Ldc_I8, distance);
        _il.Emit(OpCodes.Add);
    }

    private LocalBuilder RegisterLocal(int number) => _registers[number] ??= _il.DeclareLocal(typeof(ulong));

    private LocalBuilder LaneLocal(int number) => _lanes[number] ??= _il.DeclareLocal(typeof(Vector128<byte>));

    private void LoadAllRegisters()
    {
        for (var i = 0; i < _registers.Length; i++)
        {
            if (_registers[i] != null)
                ReadRegister(i);
        }
        for (var i = 0; i < _lanes.Length; i++)
        {
            if (_lanes[i] != null)
                ReadLane(i);
        }
    }

    private void StoreAllRegisters()
    {
        for (var i = 0; i < _registers.Length; i++)
        {
            if ((_changed >> i & 1) != 0)
                WriteRegister(i);
        }
        for (var i = 0; i < _lanes.Length; i++)
        {
            if ((_changedLanes >> i & 1) != 0)
                WriteLane(i);
        }
    }

    private void ReadRegister(int number)
    {
        LoadState(number * 8);
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Stloc, RegisterLocal(number));
    }

    private void WriteRegister(int number)
    {
        LoadState(number * 8);
        _il.Emit(OpCodes.Ldloc, RegisterLocal(number));
        _il.Emit(OpCodes.Stind_I8);
    }

    private void ReadLane(int number)
    {
        LoadState(StateOffset(nameof(CpuState.Vectors)) + number * 16);
        _il.Emit(OpCodes.Ldobj, typeof(Vector128<byte>));
        _il.Emit(OpCodes.Stloc, LaneLocal(number));
    }

    private void WriteLane(int number)
    {
        LoadState(StateOffset(nameof(CpuState.Vectors)) + number * 16);
        _il.Emit(OpCodes.Ldloc, LaneLocal(number));
        _il.Emit(OpCodes.Stobj, typeof(Vector128<byte>));
    }

    // Control registers do not change while a region runs: what writes them ends it.
    private void EmitAvailabilityCheck()
    {
        var available = _il.DefineLabel();
        var needed = (_usesSse ? RegisterSets.Sse : 0) | (_usesAvx ? RegisterSets.Avx : 0);
        LoadState(nameof(CpuState.Unavailable));
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Ldc_I4, (int)needed);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Brfalse, available);
        _il.Emit(OpCodes.Ldarg_0);
        _il.Emit(OpCodes.Ldarg_1);
        _il.Emit(OpCodes.Ldarg_2);
        _il.Emit(OpCodes.Ldarg_2);
        _il.Emit(OpCodes.Ldc_I4, sizeof(Block) - StateLayout.BlockInterpreter);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Ldind_I);
        _il.Emit(OpCodes.Tailcall);
        _il.EmitCalli(OpCodes.Calli, System.Reflection.CallingConventions.Standard, typeof(void), HandlerParameters, null);
        _il.Emit(OpCodes.Ret);
        _il.MarkLabel(available);
    }
}
