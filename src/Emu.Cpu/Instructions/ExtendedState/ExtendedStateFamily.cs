using Iced.Intel;

namespace Emu.Cpu.Instructions.ExtendedState;

/// <summary>The table's part for saving and restoring FPU and vector state.</summary>
internal static unsafe class ExtendedStateFamily
{
    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Fxsave, &FxState.BindFxsave);
        table.Add(Mnemonic.Fxsave64, &FxState.BindFxsave);
        table.Add(Mnemonic.Fxrstor, &FxState.BindFxrstor);
        table.Add(Mnemonic.Fxrstor64, &FxState.BindFxrstor);
        table.Add(Mnemonic.Ldmxcsr, &FxState.BindLdmxcsr);
        table.Add(Mnemonic.Stmxcsr, &FxState.BindStmxcsr);
        table.Add(Mnemonic.Xsave, &XsaveState.BindXsave);
        table.Add(Mnemonic.Xsave64, &XsaveState.BindXsave);
        table.Add(Mnemonic.Xsaveopt, &XsaveState.BindXsaveopt);
        table.Add(Mnemonic.Xsaveopt64, &XsaveState.BindXsaveopt);
        table.Add(Mnemonic.Xsavec, &XsaveState.BindXsavec);
        table.Add(Mnemonic.Xsavec64, &XsaveState.BindXsavec);
        table.Add(Mnemonic.Xrstor, &XsaveState.BindXrstor);
        table.Add(Mnemonic.Xrstor64, &XsaveState.BindXrstor);
        table.Add(Mnemonic.Xsaves, &XsaveState.BindXsaves);
        table.Add(Mnemonic.Xsaves64, &XsaveState.BindXsaves);
        table.Add(Mnemonic.Xrstors, &XsaveState.BindXrstors);
        table.Add(Mnemonic.Xrstors64, &XsaveState.BindXrstors);
    }
}
