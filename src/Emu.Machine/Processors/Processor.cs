using Emu.Cpu;
using Emu.Machine.Interrupts;
using Emu.Machine.Power;
using Emu.Machine.Time;

namespace Emu.Machine.Processors;

/// <summary>One vCPU with what belongs to it alone: its local APIC, its time-stamp counter, and whether it has been started.</summary>
/// <remarks>
/// <code>
///   power-up (boot processor) ------------> runs  -- HLT --> idle -- interrupt, NMI --> runs
///   power-up (others) --> waits for startup --- start-up message --^
///                              ^---------------- INIT ----------- runs or idle
/// </code>
/// The boot processor never waits: INIT takes it to the reset vector.
/// A start-up message means nothing to a vCPU that does not wait for one: so the second of the two that software sends is ignored.
/// NMIs stay latched while it waits; interrupts cannot come, for INIT switches the local APIC off.
/// </remarks>
internal sealed class Processor : ILocalApicHost, IDisposable
{
    private readonly VirtualClock _clock;
    private readonly IPowerControl? _power;
    private readonly Action _addressed;
    private LocalApic? _localApic;
    private Vcpu? _vcpu;

    // The time up to which the time-stamp counter of a vCPU that has not the turn is right.
    private ulong _timeStampAt;
    private bool _hasTurn;
    private bool _isExecuting;
    private bool _initRequested;

    /// <summary>Makes a processor that <see cref="Connect"/> completes: vCPU, local APIC and this need one another.</summary>
    /// <param name="number">From 0 on; 0 is the boot processor.</param>
    /// <param name="clock">Virtual time.</param>
    /// <param name="power">What resets the machine when the boot processor gets INIT; null where a ROM at the reset vector takes it up.</param>
    /// <param name="addressed">Hears that something was sent to it while it had not the turn.</param>
    public Processor(int number, VirtualClock clock, IPowerControl? power, Action addressed)
    {
        Number = number;
        _clock = clock;
        _power = power;
        _addressed = addressed;
        WaitsForStartup = !IsBootProcessor;
    }

    /// <summary>Its place in the order of turns.</summary>
    public int Number { get; }

    /// <summary>True for the one that starts the machine.</summary>
    public bool IsBootProcessor => Number == 0;

    /// <summary>Its local APIC.</summary>
    public LocalApic LocalApic => _localApic ?? throw new InvalidOperationException("The processor has no local APIC yet.");

    /// <summary>The vCPU.</summary>
    public Vcpu Vcpu => _vcpu ?? throw new InvalidOperationException("The processor has no vCPU yet.");

    /// <summary>True from power-up or INIT until a start-up message.</summary>
    public bool WaitsForStartup { get; private set; }

    /// <summary>True where it has instructions to execute or an event to take.</summary>
    public bool IsRunnable => !WaitsForStartup && !Vcpu.IsIdle;

    /// <inheritdoc/>
    public unsafe ulong TimeStamp =>
        Vcpu.InstructionsRetired + Vcpu.State->TimeStampOffset + (_hasTurn ? 0 : _clock.Now - _timeStampAt);

    /// <summary>Completes the processor.</summary>
    /// <param name="localApic">Its local APIC.</param>
    /// <param name="vcpu">Its vCPU.</param>
    public void Connect(LocalApic localApic, Vcpu vcpu)
    {
        _localApic = localApic;
        _vcpu = vcpu;
    }

    /// <summary>Runs the vCPU, which has the turn.</summary>
    /// <param name="untilRetired">The vCPU's own count of retired instructions at which it ends.</param>
    /// <returns>Why it ended.</returns>
    public RunExit Run(ulong untilRetired)
    {
        _isExecuting = true;
        var exit = Vcpu.Run(untilRetired);
        _isExecuting = false;
        if (_initRequested)
            ObeyInit();
        return exit;
    }

    /// <summary>Gives it the turn: its time-stamp counter has gone on in the meantime.</summary>
    public void BeginTurn()
    {
        SettleTimeStamp();
        _hasTurn = true;
    }

    /// <summary>Takes the turn away.</summary>
    public void EndTurn()
    {
        _hasTurn = false;
        _timeStampAt = _clock.Now;
    }

    /// <summary>Takes the vCPU's state up to the present, for whoever looks at it from outside.</summary>
    public void SettleTimeStamp()
    {
        if (_hasTurn)
            return;
        Vcpu.AdvanceTimeStamp(_clock.Now - _timeStampAt);
        _timeStampAt = _clock.Now;
    }

    /// <inheritdoc/>
    public void NotifyInterrupt()
    {
        Vcpu.NotifyInterrupt();
        NoteMessage();
    }

    /// <inheritdoc/>
    public void NotifyNmi()
    {
        Vcpu.NotifyNmi();
        NoteMessage();
    }

    /// <inheritdoc/>
    public void Init()
    {
        // INIT takes the boot processor to the reset vector; where no firmware is, the guest asked for a reset.
        if (IsBootProcessor && _power is { } power)
        {
            power.Reset();
            return;
        }

        // A vCPU that sent it to itself completes its instruction first.
        _initRequested = true;
        if (_isExecuting)
            Vcpu.RequestStop();
        else
            ObeyInit();
    }

    /// <inheritdoc/>
    public void Startup(byte vector)
    {
        if (!WaitsForStartup)
            return;
        WaitsForStartup = false;
        Vcpu.StartUp(vector);
        NoteMessage();
    }

    /// <inheritdoc/>
    public void Dispose() => _vcpu?.Dispose();

    private void NoteMessage()
    {
        if (!_hasTurn && IsRunnable)
            _addressed();
    }

    private void ObeyInit()
    {
        _initRequested = false;
        Vcpu.Init();
        WaitsForStartup = !IsBootProcessor;
    }
}
