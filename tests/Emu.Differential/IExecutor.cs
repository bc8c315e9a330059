namespace Emu.Differential;

/// <summary>A processor: the host's own, or one of the emulator's engines.</summary>
public interface IExecutor : IDisposable
{
    /// <summary>Its name on the command line.</summary>
    string Name { get; }

    /// <summary>Its memory at <see cref="Layout.Data"/>.</summary>
    Span<byte> Data { get; }

    /// <summary>Its memory at <see cref="Layout.ReadOnly"/>: to be filled before <see cref="Load"/> is called for the first time.</summary>
    void FillReadOnly(ReadOnlySpan<byte> content);

    /// <summary>Places a program.</summary>
    void Load(TestProgram program);

    /// <summary>True where what no user-mode program sees is the same on another engine after the same run.</summary>
    bool AgreesOnSystem(IExecutor other) => true;

    /// <summary>Runs the program from a state until it reaches a landing or faults.</summary>
    void Execute(ref MachineState state);
}
