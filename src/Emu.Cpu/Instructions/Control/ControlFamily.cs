using Iced.Intel;

namespace Emu.Cpu.Instructions.Control;

/// <summary>The table's part for near transfers of control.</summary>
internal static unsafe class ControlFamily
{
    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Jmp, &Jump.Bind);
        table.Add(Mnemonic.Call, &Call.Bind);
        table.Add(Mnemonic.Ret, &Return.Bind);
        table.Add(Mnemonic.Loop, &Loop<WhileCount>.Bind);
        table.Add(Mnemonic.Loope, &Loop<WhileCountAndEqual>.Bind);
        table.Add(Mnemonic.Loopne, &Loop<WhileCountAndNotEqual>.Bind);
        table.Add(Mnemonic.Jcxz, &Loop<IfNoCount>.Bind);
        table.Add(Mnemonic.Jecxz, &Loop<IfNoCount>.Bind);
        table.Add(Mnemonic.Jrcxz, &Loop<IfNoCount>.Bind);
        table.Add(Mnemonic.Jo, &ConditionalJump<IfOverflow>.Bind);
        table.Add(Mnemonic.Jno, &ConditionalJump<Not<IfOverflow>>.Bind);
        table.Add(Mnemonic.Jb, &ConditionalJump<IfBelow>.Bind);
        table.Add(Mnemonic.Jae, &ConditionalJump<Not<IfBelow>>.Bind);
        table.Add(Mnemonic.Je, &ConditionalJump<IfEqual>.Bind);
        table.Add(Mnemonic.Jne, &ConditionalJump<Not<IfEqual>>.Bind);
        table.Add(Mnemonic.Jbe, &ConditionalJump<IfBelowOrEqual>.Bind);
        table.Add(Mnemonic.Ja, &ConditionalJump<Not<IfBelowOrEqual>>.Bind);
        table.Add(Mnemonic.Js, &ConditionalJump<IfSign>.Bind);
        table.Add(Mnemonic.Jns, &ConditionalJump<Not<IfSign>>.Bind);
        table.Add(Mnemonic.Jp, &ConditionalJump<IfParity>.Bind);
        table.Add(Mnemonic.Jnp, &ConditionalJump<Not<IfParity>>.Bind);
        table.Add(Mnemonic.Jl, &ConditionalJump<IfLess>.Bind);
        table.Add(Mnemonic.Jge, &ConditionalJump<Not<IfLess>>.Bind);
        table.Add(Mnemonic.Jle, &ConditionalJump<IfLessOrEqual>.Bind);
        table.Add(Mnemonic.Jg, &ConditionalJump<Not<IfLessOrEqual>>.Bind);
    }
}
