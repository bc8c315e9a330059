namespace Emu.Xen;

/// <summary>Stands between a domain and its hypervisor: may answer hypercalls itself, and hears of all results.</summary>
public interface IHypercallHook
{
    /// <summary>A hypercall is made; calls of a multicall come one by one, behind the multicall itself.</summary>
    /// <param name="call">The call. Where it is not <see cref="GuestCall.IsPrivileged"/>, Xen refuses it.</param>
    /// <param name="result">What the guest gets, where the call is answered here.</param>
    /// <returns>True where it is: then Xen does not hear of it.</returns>
    bool TryAnswer(in GuestCall call, out long result);

    /// <summary>A hypercall has been carried out, refused, or answered by this hook.</summary>
    /// <param name="call">The call.</param>
    /// <param name="result">What the guest gets.</param>
    void Called(in GuestCall call, long result);
}
