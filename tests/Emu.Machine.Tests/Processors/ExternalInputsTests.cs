using Emu.Machine.Processors;
using Xunit;

namespace Emu.Machine.Tests.Processors;

public class ExternalInputsTests
{
    private readonly ExternalInputs _inputs = new();

    [Fact]
    public void Without_inputs_nothing_is_awaited() => Assert.False(_inputs.IsAwaited);

    [Fact]
    public void One_that_is_awaited_is_waited_for_in_one_go()
    {
        Input silent = new(isAwaited: false), awaited = new(isAwaited: true) { ComesAfter = 1 };
        _inputs.Add(silent);
        _inputs.Add(awaited);
        Assert.True(_inputs.IsAwaited);
        Assert.True(_inputs.Wait(TimeSpan.FromSeconds(100)));
        Assert.Equal(TimeSpan.FromSeconds(100), awaited.Waited);
        Assert.Equal(TimeSpan.Zero, silent.Waited);
    }

    [Fact]
    public void Several_that_are_awaited_are_waited_for_in_turns()
    {
        Input first = new(isAwaited: true), second = new(isAwaited: true) { ComesAfter = 3 };
        _inputs.Add(first);
        _inputs.Add(second);
        Assert.True(_inputs.Wait(TimeSpan.FromSeconds(100)));
        Assert.Equal(TimeSpan.FromMilliseconds(3), first.Waited);
        Assert.False(_inputs.Wait(TimeSpan.FromMilliseconds(10)));
    }

    [Fact]
    public void All_are_polled()
    {
        Input first = new(isAwaited: false), second = new(isAwaited: true);
        _inputs.Add(first);
        _inputs.Add(second);
        _inputs.Poll();
        Assert.Equal((1, 1), (first.Polls, second.Polls));
    }

    private sealed class Input(bool isAwaited) : IExternalInput
    {
        private int _waits;

        public bool IsAwaited => isAwaited;

        /// <summary>At which wait there is something.</summary>
        public int ComesAfter { get; init; }

        public TimeSpan Waited { get; private set; }

        public int Polls { get; private set; }

        public void Poll() => Polls++;

        public bool Wait(TimeSpan timeout)
        {
            Waited += timeout;
            return ++_waits == ComesAfter;
        }
    }
}
