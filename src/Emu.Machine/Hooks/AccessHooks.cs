namespace Emu.Machine.Hooks;

/// <summary>Who wants to hear of accesses to devices: those of a bus.</summary>
internal sealed class AccessHooks
{
    private Hook[] _answers = [];
    private Hook[] _hooks = [];

    /// <summary>True where anybody does.</summary>
    public bool Any { get; private set; }

    /// <summary>Adds one that sees values.</summary>
    public IDisposable Add(ulong first, ulong length, Action<DeviceAccess> call)
    {
        Hook hook = new(first, length, call);
        Set(_answers, [.. _hooks, hook]);
        return new Registration(() => Set(_answers, [.. _hooks.Where(other => other != hook)]));
    }

    /// <summary>Adds one that is asked before the device.</summary>
    public IDisposable AddAnswer(ulong first, ulong length, Action<DeviceAccess> call)
    {
        Hook hook = new(first, length, call);
        Set([.. _answers, hook], _hooks);
        return new Registration(() => Set([.. _answers.Where(other => other != hook)], _hooks));
    }

    /// <summary>A value is about to be read.</summary>
    /// <returns>True where the device need not be asked for it.</returns>
    public bool TryAnswer(ulong address, int size, out ulong value)
    {
        value = 0;
        if (_answers.Length == 0)
            return false;
        var access = Call(_answers, new DeviceAccess(address, size, isWrite: false, 0));
        value = access.Value;
        return access.IsAnswered;
    }

    /// <summary>A value has been read.</summary>
    /// <returns>What the guest gets.</returns>
    public ulong Read(ulong address, int size, ulong value) =>
        _hooks.Length == 0 ? value : Call(_hooks, new DeviceAccess(address, size, isWrite: false, value)).Value;

    /// <summary>A value is about to be written.</summary>
    /// <returns>False where the device does not hear of it.</returns>
    public bool TryWrite(ulong address, int size, ref ulong value)
    {
        var access = new DeviceAccess(address, size, isWrite: true, value);
        if (_answers.Length != 0)
            Call(_answers, access);
        if (_hooks.Length != 0)
            Call(_hooks, access);
        value = access.Value;
        return !access.IsSwallowed && !access.IsAnswered;
    }

    private void Set(Hook[] answers, Hook[] hooks)
    {
        (_answers, _hooks) = (answers, hooks);
        Any = answers.Length != 0 || hooks.Length != 0;
    }

    private static DeviceAccess Call(Hook[] hooks, DeviceAccess access)
    {
        // A hook may remove itself or others meanwhile: from the next access on.
        foreach (var hook in hooks)
        {
            if (access.Address - hook.First < hook.Length || hook.First - access.Address < (ulong)access.Size)
                hook.Call(access);
        }

        access.Value &= ulong.MaxValue >> (64 - (8 * access.Size));
        return access;
    }

    private sealed record Hook(ulong First, ulong Length, Action<DeviceAccess> Call);
}
