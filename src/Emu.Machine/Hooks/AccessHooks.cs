namespace Emu.Machine.Hooks;

/// <summary>Who wants to hear of accesses to devices: those of a bus.</summary>
internal sealed class AccessHooks
{
    private Hook[] _hooks = [];

    /// <summary>True where anybody does.</summary>
    public bool Any => _hooks.Length != 0;

    public IDisposable Add(ulong first, ulong length, Action<DeviceAccess> call)
    {
        Hook hook = new(first, length, call);
        _hooks = [.. _hooks, hook];
        return new Registration(() => _hooks = [.. _hooks.Where(other => other != hook)]);
    }

    /// <summary>A value has been read.</summary>
    /// <returns>What the guest gets.</returns>
    public ulong Read(ulong address, int size, ulong value) => Call(new DeviceAccess(address, size, isWrite: false, value)).Value;

    /// <summary>A value is about to be written.</summary>
    /// <returns>False where the device does not hear of it.</returns>
    public bool TryWrite(ulong address, int size, ref ulong value)
    {
        var access = Call(new DeviceAccess(address, size, isWrite: true, value));
        value = access.Value;
        return !access.IsSwallowed;
    }

    private DeviceAccess Call(DeviceAccess access)
    {
        // A hook may remove itself or others meanwhile: from the next access on.
        foreach (var hook in _hooks)
        {
            if (access.Address - hook.First < hook.Length || hook.First - access.Address < (ulong)access.Size)
                hook.Call(access);
        }

        access.Value &= ulong.MaxValue >> (64 - (8 * access.Size));
        return access;
    }

    private sealed record Hook(ulong First, ulong Length, Action<DeviceAccess> Call);
}
