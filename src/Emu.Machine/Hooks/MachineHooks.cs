using Emu.Cpu;
using Emu.Cpu.Instrumentation;
using Emu.Xen;

namespace Emu.Machine.Hooks;

/// <summary>Takes a hypercall of the domain's that has been carried out, or refused.</summary>
/// <param name="call">The call, as it began.</param>
/// <param name="result">What the guest gets.</param>
public delegate void HypercallHook(in GuestCall call, long result);

/// <summary>Answers a hypercall of the domain's in Xen's stead.</summary>
/// <param name="call">The call, with its arguments; it may be one of a multicall.</param>
/// <param name="result">What the guest gets, where it is answered here.</param>
/// <returns>True where it is.</returns>
public delegate bool HypercallAnswer(in GuestCall call, out long result);

/// <summary>What a program hears of a machine that it runs. What nobody hooks costs nothing.</summary>
/// <remarks>
/// A hook is called on the thread that runs the machine, between two instructions or at an access that is exact to the instruction. It may look at
/// everything, change registers and memory, add and remove hooks, inject interrupts, and call <see cref="PvhMachine.RequestPause"/>; not run the machine or
/// restore it, nor throw from within an instruction (ports, memory that is no RAM, events, hypercalls). One that only looks changes nothing of the
/// run. A <see cref="TimeTravel.Timeline"/> that goes back calls hooks again for what it repeats (<see cref="PvhMachine.IsRepeating"/>). Hooks are
/// no part of a snapshot.
/// </remarks>
public sealed class MachineHooks
{
    private readonly PvhMachine _machine;
    private readonly List<CodeHook> _code = [];
    private readonly List<MemoryHook> _memory = [];
    private HypercallHooks? _hypercalls;

    internal MachineHooks(PvhMachine machine) => _machine = machine;

    /// <summary>Addresses at which code hooks want to be called.</summary>
    internal IEnumerable<ulong> Breakpoints => _code.Select(static hook => hook.Address);

    /// <summary>Accesses of which memory hooks want to hear.</summary>
    internal IEnumerable<Watchpoint> Watchpoints => _memory.Select(static hook => hook.Watchpoint);

    /// <summary>Calls back whenever an instruction is about to be executed. Code elsewhere is not slowed down.</summary>
    /// <param name="address">Its linear address, the same for all vCPUs and address spaces.</param>
    /// <param name="hook">Takes the vCPU. Where an event comes before the instruction, it is called again afterwards.</param>
    /// <returns>Dispose of it to be called no more.</returns>
    public IDisposable OnCode(ulong address, Action<Vcpu> hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        CodeHook added = new(address, hook);
        _code.Add(added);
        _machine.ChangeInstruments();
        return new Registration(() =>
        {
            _code.Remove(added);
            _machine.ChangeInstruments();
        });
    }

    /// <summary>Calls back behind instructions, and deliveries of events, that touch memory. Accesses to other pages are not slowed down.</summary>
    /// <param name="address">The first byte, a linear address.</param>
    /// <param name="length">Bytes, at least one.</param>
    /// <param name="access">Reads, writes or both.</param>
    /// <param name="hook">Takes the vCPU and the first access of its instruction. What devices and hypercalls write is not seen.</param>
    /// <returns>Dispose of it to be called no more.</returns>
    public IDisposable OnMemory(ulong address, ulong length, WatchedAccess access, Action<Vcpu, WatchpointHit> hook)
    {
        ArgumentOutOfRangeException.ThrowIfZero(length);
        ArgumentNullException.ThrowIfNull(hook);
        MemoryHook added = new(new Watchpoint(address, length, access), hook);
        _memory.Add(added);
        _machine.ChangeInstruments();
        return new Registration(() =>
        {
            _memory.Remove(added);
            _machine.ChangeInstruments();
        });
    }

    /// <summary>Calls back at accesses to I/O ports, whether or not a device answers there.</summary>
    /// <param name="first">The first port.</param>
    /// <param name="count">How many.</param>
    /// <param name="hook">Takes the access, and may change it.</param>
    /// <returns>Dispose of it to be called no more.</returns>
    public IDisposable OnPorts(ushort first, int count, Action<DeviceAccess> hook)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentNullException.ThrowIfNull(hook);
        return _machine.Ports.Hooks.Add(first, (ulong)count, hook);
    }

    /// <summary>Calls back before accesses to I/O ports, so that no device need hear of them.</summary>
    /// <param name="first">The first port.</param>
    /// <param name="count">How many.</param>
    /// <param name="hook">Takes the access. Where it sets <see cref="DeviceAccess.IsAnswered"/>, the device does not hear of it, and a read gets <see cref="DeviceAccess.Value"/>.</param>
    /// <returns>Dispose of it to be called no more.</returns>
    public IDisposable AnswerPorts(ushort first, int count, Action<DeviceAccess> hook)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentNullException.ThrowIfNull(hook);
        return _machine.Ports.Hooks.AddAnswer(first, (ulong)count, hook);
    }

    /// <summary>Calls back before accesses to physical memory that is not RAM, local APICs included, so that no device need hear of them.</summary>
    /// <param name="address">The first byte, guest-physical.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="hook">Takes the access. Where it sets <see cref="DeviceAccess.IsAnswered"/>, the device does not hear of it, and a read gets <see cref="DeviceAccess.Value"/>.</param>
    /// <returns>Dispose of it to be called no more.</returns>
    public IDisposable AnswerMmio(ulong address, ulong length, Action<DeviceAccess> hook)
    {
        ArgumentOutOfRangeException.ThrowIfZero(length);
        ArgumentNullException.ThrowIfNull(hook);
        return _machine.Mmio.Hooks.AddAnswer(address, length, hook);
    }

    /// <summary>Calls back at accesses to physical memory that is not RAM, local APICs included.</summary>
    /// <param name="address">The first byte, guest-physical.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="hook">Takes the access, and may change it.</param>
    /// <returns>Dispose of it to be called no more.</returns>
    public IDisposable OnMmio(ulong address, ulong length, Action<DeviceAccess> hook)
    {
        ArgumentOutOfRangeException.ThrowIfZero(length);
        ArgumentNullException.ThrowIfNull(hook);
        return _machine.Mmio.Hooks.Add(address, length, hook);
    }

    /// <summary>Calls back at each exception and interrupt, before it is delivered.</summary>
    /// <param name="hook">Takes the vCPU and the event.</param>
    /// <returns>Dispose of it to be called no more.</returns>
    public IDisposable OnEvent(Action<Vcpu, EventInFlight> hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        _machine.VcpuLog.Delivered += hook;
        return new Registration(() => _machine.VcpuLog.Delivered -= hook);
    }

    /// <summary>Asks at each exception, and each INT n, INT3, INTO and INT1, whether the program deals with it in the guest's stead.</summary>
    /// <param name="answer">
    /// Takes the vCPU and the event, with RIP where it would be pushed: at the instruction that faulted, or behind the one that trapped. Returns
    /// true where it has dealt with it: then nothing is delivered, and the vCPU goes on at the RIP that it is left with. One that has changed
    /// control registers, segments or page tables calls <see cref="Vcpu.StateChanged"/>.
    /// </param>
    /// <returns>Dispose of it to be asked no more.</returns>
    public IDisposable AnswerExceptions(Func<Vcpu, EventInFlight, bool> answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        var log = _machine.VcpuLog;
        log.Answers = [.. log.Answers, answer];
        return new Registration(() => log.Answers = [.. log.Answers.Where(other => other != answer)]);
    }

    /// <summary>Calls back after each hypercall of a Xen domain.</summary>
    /// <param name="hook">Takes the call and its result.</param>
    /// <returns>Dispose of it to be called no more.</returns>
    /// <exception cref="InvalidOperationException">The machine is a PC.</exception>
    public IDisposable OnHypercall(HypercallHook hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        return HypercallHookList().Add(hook);
    }

    /// <summary>Asks for an answer to each hypercall of a Xen domain, before Xen hears of it.</summary>
    /// <param name="answer">Takes the call; where it has an answer, Xen does not carry the call out. The first that has one is the last that is asked.</param>
    /// <returns>Dispose of it to be asked no more.</returns>
    /// <exception cref="InvalidOperationException">The machine is a PC.</exception>
    public IDisposable AnswerHypercalls(HypercallAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        return HypercallHookList().Add(answer);
    }

    private HypercallHooks HypercallHookList()
    {
        var domain = _machine.XenDomain ?? throw new InvalidOperationException("Only a Xen domain makes hypercalls.");
        domain.HypercallHook = _hypercalls ??= new HypercallHooks();
        return _hypercalls;
    }

    /// <summary>Calls what wants to hear of an instruction.</summary>
    internal void CallCode(Vcpu vcpu, ulong address)
    {
        // A hook may add and remove others.
        foreach (var hook in _code.FindAll(hook => hook.Address == address))
            hook.Call(vcpu);
    }

    /// <summary>Calls what wants to hear of an access.</summary>
    internal void CallMemory(Vcpu vcpu, in WatchpointHit hit)
    {
        foreach (var hook in _memory.ToArray())
        {
            if (hook.Watchpoint.IsTouchedBy(hit.Address, hit.Size, hit.Access))
                hook.Call(vcpu, hit with { Watchpoint = hook.Watchpoint });
        }
    }

    private sealed record CodeHook(ulong Address, Action<Vcpu> Call);

    private sealed record MemoryHook(Watchpoint Watchpoint, Action<Vcpu, WatchpointHit> Call);
}
