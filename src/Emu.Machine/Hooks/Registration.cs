namespace Emu.Machine.Hooks;

/// <summary>A hook that is there until this is disposed of.</summary>
internal sealed class Registration(Action remove) : IDisposable
{
    private Action? _remove = remove;

    public void Dispose()
    {
        _remove?.Invoke();
        _remove = null;
    }
}
