namespace Emu.Machine;

/// <summary>The machine cannot be made as asked for. <see cref="Exception.Message"/> is one sentence for the user.</summary>
public sealed class MachineConfigurationException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">One sentence for the user.</param>
    /// <param name="inner">What a lower layer reported, or null.</param>
    public MachineConfigurationException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
