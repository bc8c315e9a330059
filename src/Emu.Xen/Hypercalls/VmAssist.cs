namespace Emu.Xen.Hypercalls;

/// <summary>vm_assist(cmd, type): a guest's wishes (xen/include/public/xen.h, VMASST_*). HVM containers have one of them.</summary>
internal static class VmAssist
{
    public const uint Number = 21;

    public const uint Enable = 0, Disable = 1;

    /// <summary>
    /// runstate_update_flag: a bit in the runstate area tells that it is being written. Here it is always written between two
    /// instructions, so that no guest ever sees the bit.
    /// </summary>
    private const uint RunstateUpdateFlag = 5;

    private const uint TypeCount = 64;

    public static long Execute(in GuestCall call)
    {
        uint command = (uint)call.Argument(0), type = (uint)call.Argument(1);
        if (type >= TypeCount || type != RunstateUpdateFlag)
            return XenError.Invalid;
        return command is Enable or Disable ? 0 : XenError.NotImplemented;
    }
}
