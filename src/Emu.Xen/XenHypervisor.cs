using Emu.Cpu;
using Emu.Cpu.Platform;
using Emu.Xen.Hypercalls;

namespace Emu.Xen;

/// <summary>Xen under one vCPU of a PVH domain: CPUID leaves, the hypercall page's MSR, hypercalls.</summary>
public sealed class XenHypervisor : IHypervisor
{
    private const uint HypercallPageMsr = XenCpuid.Base;
    private const ulong PageOffset = 0xFFF;

    private readonly IXenHost _host;
    private readonly uint _vcpu;
    private readonly uint _domain;
    private readonly HypercallInstruction _instruction;
    private readonly bool _acceptsBothInstructions;

    /// <summary>Makes the hypervisor under a vCPU.</summary>
    /// <param name="host">The machine.</param>
    /// <param name="vcpu">The vCPU's number.</param>
    /// <param name="instruction">The opcode that the processor's vendor has.</param>
    /// <param name="domain">The domain's id.</param>
    /// <param name="acceptsBothInstructions">Whether the other vendor's opcode works too, instead of #UD as on hardware.</param>
    public XenHypervisor(
        IXenHost host, uint vcpu, HypercallInstruction instruction, uint domain = 1, bool acceptsBothInstructions = false)
    {
        _host = host;
        _vcpu = vcpu;
        _domain = domain;
        _instruction = instruction;
        _acceptsBothInstructions = acceptsBothInstructions;
    }

    /// <inheritdoc/>
    public CpuidResult Cpuid(uint leaf, uint subleaf) => XenCpuid.Query(leaf, subleaf, _vcpu, _domain);

    /// <inheritdoc/>
    public bool TryReadMsr(Vcpu vcpu, uint msr, out ulong value)
    {
        value = 0;
        return msr == HypercallPageMsr;
    }

    /// <summary>Fills the page at a guest-physical address with hypercall stubs.</summary>
    /// <inheritdoc/>
    public bool TryWriteMsr(Vcpu vcpu, uint msr, ulong value) =>
        msr == HypercallPageMsr && (value & PageOffset) == 0 && vcpu.Memory.TryWrite(value, HypercallPage.Build(_instruction));

    /// <inheritdoc/>
    public bool TryHypercall(Vcpu vcpu, HypercallInstruction instruction)
    {
        if (instruction != _instruction && !_acceptsBothInstructions)
            return false;
        var call = new GuestCall(vcpu);
        call.Return(call.IsPrivileged ? Dispatch(call) : XenError.NotPermitted);
        return true;
    }

    private long Dispatch(in GuestCall call)
    {
        switch (call.Number)
        {
            case MemoryOperation.Number:
                return MemoryOperation.Execute(call, _host);
            case VersionQuery.Number:
                return VersionQuery.Execute(call, _host);
            case ConsoleTransfer.Number:
                return ConsoleTransfer.Execute(call, _host);
            case SchedulerOperation.Number:
                return SchedulerOperation.Execute(call, _host);
            default:
                _host.Unsupported(call.Number, null);
                return XenError.NotImplemented;
        }
    }
}
