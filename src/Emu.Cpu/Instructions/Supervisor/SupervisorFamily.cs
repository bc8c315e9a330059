namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>The table's part for system instructions and far transfers.</summary>
internal static class SupervisorFamily
{
    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        FlagInstructions.Register(table);
        SegmentInstructions.Register(table);
        FarControl.Register(table);
        FastSystemCalls.Register(table);
        DescriptorTableInstructions.Register(table);
        ControlRegisterInstructions.Register(table);
        DebugRegisterInstructions.Register(table);
        ProcessorInstructions.Register(table);
        MonitorInstructions.Register(table);
        PortInstructions.Register(table);
        PortStrings.Register(table);
        SelectorInspection.Register(table);
    }
}
