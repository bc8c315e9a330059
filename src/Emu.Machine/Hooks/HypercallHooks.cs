using Emu.Xen;

namespace Emu.Machine.Hooks;

/// <summary>The hooks of a domain's hypercalls.</summary>
internal sealed class HypercallHooks : IHypercallHook
{
    private HypercallHook[] _hooks = [];
    private HypercallAnswer[] _answers = [];

    public IDisposable Add(HypercallHook hook)
    {
        _hooks = [.. _hooks, hook];
        return new Registration(() => _hooks = [.. _hooks.Where(other => other != hook)]);
    }

    public IDisposable Add(HypercallAnswer answer)
    {
        _answers = [.. _answers, answer];
        return new Registration(() => _answers = [.. _answers.Where(other => other != answer)]);
    }

    public bool TryAnswer(in GuestCall call, out long result)
    {
        foreach (var answer in _answers)
        {
            if (answer(call, out result))
                return true;
        }

        result = 0;
        return false;
    }

    public void Called(in GuestCall call, long result)
    {
        foreach (var hook in _hooks)
            hook(call, result);
    }
}
