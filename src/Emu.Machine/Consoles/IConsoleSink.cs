namespace Emu.Machine.Consoles;

/// <summary>Where the guest's console output goes.</summary>
public interface IConsoleSink
{
    /// <summary>Takes one byte, as the guest sent it.</summary>
    /// <param name="value">The byte.</param>
    void Write(byte value);

    /// <summary>Makes visible what was written; called between slices of the run.</summary>
    void Flush();
}
