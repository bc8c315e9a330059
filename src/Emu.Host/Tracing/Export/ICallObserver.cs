namespace Emu.Host.Tracing.Export;

/// <summary>Is told how call stacks grow and shrink. For each vCPU, what is entered last is left first.</summary>
internal interface ICallObserver
{
    /// <summary>What comes is of this life of the guest; all that was entered before has been left.</summary>
    /// <param name="life">From 1 on.</param>
    void BeginLife(int life);

    /// <summary>A function was entered, or an exception or interrupt was taken.</summary>
    /// <param name="vcpu">By whom.</param>
    /// <param name="function">What, by its number in <see cref="CallStacks.Functions"/>.</param>
    /// <param name="isEvent">Whether it is an exception, an interrupt or a system call.</param>
    /// <param name="count">Instructions retired before.</param>
    void Enter(int vcpu, int function, bool isEvent, ulong count);

    /// <summary>What was entered last was left.</summary>
    /// <param name="vcpu">By whom.</param>
    /// <param name="count">Instructions retired after its last one.</param>
    void Leave(int vcpu, ulong count);

    /// <summary>
    /// The vCPU goes on with another stack, or the trace is at its end: until something is spent, what is left has not returned, and what is entered has
    /// been entered before.
    /// </summary>
    /// <param name="vcpu">Which.</param>
    void Switch(int vcpu);

    /// <summary>Instructions or an event have been executed in what was entered last.</summary>
    /// <param name="vcpu">By whom.</param>
    /// <param name="instructions">How many.</param>
    void Spend(int vcpu, ulong instructions);
}
