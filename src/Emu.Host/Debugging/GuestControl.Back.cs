using Emu.Cpu;

namespace Emu.Host.Debugging;

// Steps backwards, and what becomes of the future when somebody changes the past.
internal sealed partial class GuestControl
{
    private bool _isChanged;

    /// <summary>Goes back until a vCPU stands before the last instruction that it has executed.</summary>
    /// <param name="vcpu">The vCPU.</param>
    /// <returns>Why it stands.</returns>
    public GuestStop StepBack(Vcpu vcpu)
    {
        EndTrace("gdb goes back");
        Settle();
        ulong retired = vcpu.InstructionsRetired;
        ulong low = _timeline.Beginning, high = Position;
        // What is wanted is the last place at which it had retired less: near, if it had the last turn, else a turn of each other away.
        for (ulong distance = 1; high > low; distance *= 2)
        {
            ulong place = high - Math.Min(distance, high - low);
            _timeline.GoTo(place);
            if (vcpu.InstructionsRetired < retired)
            {
                low = place;
                break;
            }

            high = place;
        }

        if (high == _timeline.Beginning)
            return new GuestStop(StopCause.BeginningOfTime, vcpu);
        while (high - low > 1)
        {
            ulong place = low + ((high - low) / 2);
            _timeline.GoTo(place);
            if (vcpu.InstructionsRetired < retired)
                low = place;
            else
                high = place;
        }

        _timeline.GoTo(low);
        return new GuestStop(StopCause.Stepped, vcpu);
    }

    /// <summary>Is called when a debugger has changed the guest: from here on the run is another one.</summary>
    public void NoteChange()
    {
        EndTrace("gdb changes the guest");
        _isChanged = true;
    }

    private void Settle()
    {
        if (!_isChanged)
            return;
        _isChanged = false;
        _timeline.Branch();
    }
}
