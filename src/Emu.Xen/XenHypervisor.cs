using Emu.Cpu;
using Emu.Cpu.Platform;
using Emu.Xen.Domains;
using Emu.Xen.Hypercalls;

namespace Emu.Xen;

/// <summary>Xen under a domain's vCPUs: CPUID leaves, the hypercall page's MSR, hypercalls.</summary>
public sealed class XenHypervisor : IHypervisor
{
    private const uint HypercallPageMsr = XenCpuid.Base;
    private const int PageShift = 12;
    private const ulong PageOffset = (1UL << PageShift) - 1;

    private readonly Domain _domain;

    /// <summary>Makes the hypervisor under a domain.</summary>
    /// <param name="domain">The domain.</param>
    public XenHypervisor(Domain domain) => _domain = domain;

    /// <inheritdoc/>
    public CpuidResult Cpuid(Vcpu vcpu, uint leaf, uint subleaf)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        return XenCpuid.Query(leaf, subleaf, (uint)vcpu.Number, _domain.Id);
    }

    /// <inheritdoc/>
    public bool TryReadMsr(Vcpu vcpu, uint msr, out ulong value)
    {
        value = 0;
        return msr == HypercallPageMsr;
    }

    /// <summary>Fills the page at a guest-physical address with hypercall stubs, and takes the caller's width for shared_info.</summary>
    /// <inheritdoc/>
    public bool TryWriteMsr(Vcpu vcpu, uint msr, ulong value)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        if (msr != HypercallPageMsr || (value & PageOffset) != 0 || _domain.Map(value >> PageShift) is not { } page)
            return false;
        HypercallPage.Build(_domain.Options.Instruction).CopyTo(page.Writable(0, HypercallPage.Length));
        _domain.SharedInfo.LatchWidth(vcpu.Is64BitCode);
        return true;
    }

    /// <inheritdoc/>
    public HypercallOutcome Hypercall(Vcpu vcpu, HypercallInstruction instruction)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        if (instruction != _domain.Options.Instruction && !_domain.Options.AcceptsBothInstructions)
            return HypercallOutcome.Undefined;
        var call = new GuestCall(_domain, _domain.Vcpus[vcpu.Number]);
        call.Work.Begin();
        var result = HypercallTable.Execute(call);
        if (call.Work.IsInterrupted)
        {
            call.Rewrite(call.Work.Arguments);
            return HypercallOutcome.Again;
        }

        call.Return(result);
        return HypercallOutcome.Completed;
    }
}
