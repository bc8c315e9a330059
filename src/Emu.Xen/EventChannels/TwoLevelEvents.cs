using Emu.Xen.Domains;

namespace Emu.Xen.EventChannels;

/// <summary>
/// The 2-level ABI (xen/common/event_2l.c): bitmaps of pending and masked ports in shared_info, and for each vCPU a selector with one bit
/// for each word of them.
/// </summary>
internal sealed class TwoLevelEvents(Domain domain) : IEventAbi
{
    private readonly Domain _domain = domain;

    public uint PortLimit
    {
        get
        {
            var bits = (uint)_domain.SharedInfo.WordBits;
            return bits * bits;
        }
    }

    public void SetPending(EventPort port, DomainVcpu vcpu)
    {
        var shared = _domain.SharedInfo;
        var number = (int)port.Number;
        if (port.Number >= PortLimit || shared.Bytes.SetBit(SharedInfo.Pending, number))
            return;
        if (!shared.Bytes.TestBit(shared.Mask, number))
            Select(number, vcpu);
        _domain.Events.WakePollers(port);
    }

    public void ClearPending(EventPort port)
    {
        if (port.Number < PortLimit)
            _domain.SharedInfo.Bytes.ClearBit(SharedInfo.Pending, (int)port.Number);
    }

    public void Unmask(EventPort port, DomainVcpu vcpu)
    {
        var shared = _domain.SharedInfo;
        var number = (int)port.Number;
        if (port.Number < PortLimit && shared.Bytes.ClearBit(shared.Mask, number) && shared.Bytes.TestBit(SharedInfo.Pending, number))
            Select(number, vcpu);
    }

    public bool IsMasked(EventPort port) =>
        port.Number >= PortLimit || _domain.SharedInfo.Bytes.TestBit(_domain.SharedInfo.Mask, (int)port.Number);

    public bool IsPending(EventPort port) =>
        port.Number < PortLimit && _domain.SharedInfo.Bytes.TestBit(SharedInfo.Pending, (int)port.Number);

    public bool IsBusy(EventPort port) => false;

    private void Select(int number, DomainVcpu vcpu)
    {
        if (!vcpu.SetSelector(number / _domain.SharedInfo.WordBits))
            vcpu.RaiseUpcall();
    }
}
