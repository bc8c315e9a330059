using Emu.Cpu;
using Emu.Cpu.Snapshots;
using Emu.Machine.Interrupts;
using Emu.Machine.Power;
using Emu.Machine.Time;
using Emu.Xen;
using Emu.Xen.Domains;

namespace Emu.Machine.Processors;

/// <summary>One vCPU with what belongs to it alone: its local APIC, its time-stamp counter, and whether it is up.</summary>
/// <remarks>
/// <code>
///   power-up (boot processor) ------------> runs  -- HLT --> idle -- interrupt, NMI --> runs
///   power-up (others) --> waits for startup --- start-up message --^
///                              ^---------------- INIT ----------- runs or idle
/// </code>
/// On a PC the boot processor never waits: INIT takes it to the reset vector.
/// A start-up message means nothing to a vCPU that does not wait for one: so the second of the two that software sends is ignored.
/// NMIs stay latched while it waits; interrupts cannot come, for INIT switches the local APIC off.
/// <para>
/// In a Xen domain a vCPU may also be given its state by a hypercall, be brought up and taken down by others, and goes down by itself where
/// it halts with interrupts off: nothing but another vCPU could ever wake it.
/// </para>
/// </remarks>
internal sealed class Processor : ILocalApicHost, IXenProcessor, IStateful, IDisposable
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
    private bool _isBlocked;

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
        IsInitialised = IsUp = IsBootProcessor;
    }

    /// <summary>Its place in the order of turns.</summary>
    public int Number { get; }

    /// <summary>True for the one that starts the machine.</summary>
    public bool IsBootProcessor => Number == 0;

    /// <summary>Its local APIC.</summary>
    public LocalApic LocalApic => _localApic ?? throw new InvalidOperationException("The processor has no local APIC yet.");

    /// <summary>The vCPU.</summary>
    public Vcpu Vcpu => _vcpu ?? throw new InvalidOperationException("The processor has no vCPU yet.");

    /// <summary>It as a Xen domain has it; null on a PC.</summary>
    public DomainVcpu? DomainVcpu { get; set; }

    /// <summary>False from power-up or INIT until a start-up message, or until a hypercall gives it a state.</summary>
    public bool IsInitialised { get; private set; }

    /// <inheritdoc/>
    public bool IsUp { get; private set; }

    /// <summary>True while its vCPU is in the middle of a stretch of its turn.</summary>
    public bool IsExecuting => _isExecuting;

    /// <summary>True where it has instructions to execute or an event to take.</summary>
    public bool IsRunnable => IsUp && !Vcpu.IsIdle;

    /// <summary>True where an event could end its wait.</summary>
    /// <remarks>A Xen domain has nothing at the pins of its local APICs.</remarks>
    public bool CanWake => IsUp && (_isBlocked || Vcpu.WakesOnInterrupt || (DomainVcpu is null && LocalApic.CanReceiveNmiFromPins));

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
        // Only what does not wait any more is run.
        _isBlocked = false;
        DomainVcpu?.Runstate.Change(Runstate.Running);
        _isExecuting = true;
        var exit = Vcpu.Run(untilRetired);
        _isExecuting = false;
        if (_initRequested)
            ObeyInit();
        if (DomainVcpu is not null)
            NoteWait();
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
        NoteRunstate();
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
        // Xen ends a vCPU's wait for any interrupt, taken or not.
        Wake();
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
        if (IsInitialised)
            return;
        IsInitialised = true;
        Vcpu.StartUp(vector);
        DomainVcpu?.TakeTimeStamp();
        BringUp();
    }

    /// <inheritdoc/>
    public void Initialise() => IsInitialised = true;

    /// <inheritdoc/>
    public void BringUp()
    {
        IsUp = true;
        _isBlocked = false;
        Vcpu.EndWait();
        // A new state has forgotten that Xen may have an upcall for it, which stays pending meanwhile.
        if (DomainVcpu is not null)
            Vcpu.NotifyInterrupt();
        NoteMessage();
    }

    /// <inheritdoc/>
    public void TakeDown()
    {
        IsUp = false;
        if (_isExecuting)
            Vcpu.RequestStop();
        NoteRunstate();
    }

    /// <inheritdoc/>
    public void Block()
    {
        _isBlocked = true;
        Vcpu.BeginWait();
    }

    /// <inheritdoc/>
    public void Wake()
    {
        if (!_isBlocked)
            return;
        _isBlocked = false;
        Vcpu.EndWait();
        NoteMessage();
    }

    /// <inheritdoc/>
    public void Yield() => Vcpu.RequestYield();

    /// <inheritdoc/>
    public void RequestInterrupt(byte vector) => LocalApic.Request(vector, isLevelTriggered: false);

    /// <inheritdoc/>
    public void RequestNmi() => NotifyNmi();

    /// <summary>Transfers what the processor knows of its vCPU; the vCPU itself, its local APIC and what Xen has of it are parts of their own.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    public void Transfer(StateStream stream)
    {
        stream.Section("processor");
        stream.Transfer(ref _timeStampAt);
        stream.Transfer(ref _hasTurn);
        stream.Transfer(ref _isBlocked);
        IsInitialised = stream.Transferred(IsInitialised);
        IsUp = stream.Transferred(IsUp);
        if (!stream.IsRestoring)
            return;
        // State is transferred between two stretches of a turn.
        _isExecuting = false;
        _initRequested = false;
    }

    /// <inheritdoc/>
    public void Dispose() => _vcpu?.Dispose();

    private void NoteMessage()
    {
        NoteRunstate();
        if (!_hasTurn && IsRunnable)
            _addressed();
    }

    private void ObeyInit()
    {
        _initRequested = false;
        Vcpu.Init();
        _isBlocked = false;
        IsInitialised = IsUp = IsBootProcessor && DomainVcpu is null;
        DomainVcpu?.NoteDown();
    }

    // The vCPU of a domain has come to the end of a stretch of its turn.
    private void NoteWait()
    {
        if (!IsUp || !Vcpu.IsIdle)
            return;
        if (!CanWake)
        {
            IsUp = false;
            DomainVcpu!.NoteDown();
        }

        NoteRunstate();
    }

    private void NoteRunstate()
    {
        if (DomainVcpu is not { } guest || (_hasTurn && IsRunnable))
            return;
        guest.Runstate.Change(!IsUp ? Runstate.Offline : Vcpu.IsIdle ? Runstate.Blocked : Runstate.Runnable);
    }
}
