using Emu.Cpu;
using Emu.Cpu.Instrumentation;
using Emu.Xen;

namespace Emu.Machine.Hooks;

/// <summary>Takes a hypercall of the domain's that has been carried out, or refused.</summary>
/// <param name="call">The call, as it began.</param>
/// <param name="result">What the guest gets.</param>
public delegate void HypercallHook(in GuestCall call, long result);

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

    /// <summary>Calls back after each hypercall of a Xen domain.</summary>
    /// <param name="hook">Takes the call and its result.</param>
    /// <returns>Dispose of it to be called no more.</returns>
    /// <exception cref="InvalidOperationException">The machine is a PC.</exception>
    public IDisposable OnHypercall(HypercallHook hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        if (_machine.XenDomain is not { } domain)
            throw new InvalidOperationException("Only a Xen domain makes hypercalls.");
        if (_hypercalls is null || domain.Observer != _hypercalls)
            domain.Observer = _hypercalls = new HypercallHooks(domain.Observer);
        return _hypercalls.Add(hook);
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
