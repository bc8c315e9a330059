using System.Reflection.Emit;
using Emu.Cpu.Decoding;

namespace Emu.Cpu.Compilation;

// The stack: RSP in 64-bit code, ESP in flat 32-bit code.
internal sealed unsafe partial class RegionEmitter
{
    private const byte StackPointer = 4 * 8, FramePointer = 5 * 8;

    /// <summary>True where compiled code can use the instruction's stack.</summary>
    public static bool CanUseStack(in GuestInstruction instruction) => instruction.Stack is StackKind.Long or StackKind.Flat;

    /// <summary>Finds the place of a push.</summary>
    public void FindPush(in GuestInstruction instruction, int size)
    {
        FindOnStack(in instruction, -size, size, write: true);
    }

    /// <summary>Moves the stack pointer down after what was pushed has been written.</summary>
    public void CommitPush(in GuestInstruction instruction, int size) => Drop(in instruction, -size);

    /// <summary>Finds the top of the stack for reading.</summary>
    public void FindTop(in GuestInstruction instruction, int size)
    {
        FindOnStack(in instruction, 0, size, write: false);
    }

    /// <summary>LEAVE: the frame pointer becomes the stack pointer, and is popped.</summary>
    public void Leave(in GuestInstruction instruction, int size)
    {
        LoadRegister(FramePointer, size);
        Widen(size);
        FindAt(size, write: false, ExitHere());
        LoadRegister(FramePointer, size);
        Widen(size);
        _il.Emit(OpCodes.Ldc_I8, (long)size);
        _il.Emit(OpCodes.Add);
        if (instruction.Stack == StackKind.Flat)
        {
            _il.Emit(OpCodes.Conv_U4);
            _il.Emit(OpCodes.Conv_U8);
        }
        StoreRegister(StackPointer, 8);
        LoadPlace();
        ReadMemory(size);
        StoreRegister(FramePointer, size);
    }

    /// <summary>Moves the stack pointer up.</summary>
    public void Drop(in GuestInstruction instruction, long bytes)
    {
        LoadStackPointer(in instruction, bytes);
        StoreRegister(StackPointer, 8);
    }

    private void FindOnStack(in GuestInstruction instruction, int distance, int size, bool write)
    {
        var place = _accesses.StackOf(_instruction);
        place = place with { Distance = place.Distance + distance };
        var group = _accesses.Find(place, size, write);
        if (group?.Address == null)
        {
            LoadStackPointer(in instruction, distance);
            MoveToStart(group, place);
            Check(group, size, write, ExitHere());
        }
        LoadGroupPlace(group, place);
    }

    private void LoadStackPointer(in GuestInstruction instruction, long distance)
    {
        LoadRegister(StackPointer, 8);
        if (distance != 0)
        {
            _il.Emit(OpCodes.Ldc_I8, distance);
            _il.Emit(OpCodes.Add);
        }
        if (instruction.Stack == StackKind.Flat)
        {
            _il.Emit(OpCodes.Conv_U4);
            _il.Emit(OpCodes.Conv_U8);
        }
    }
}
