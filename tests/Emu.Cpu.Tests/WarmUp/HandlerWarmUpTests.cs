using Emu.Cpu.WarmUp;
using Xunit;

namespace Emu.Cpu.Tests.WarmUp;

public sealed class HandlerWarmUpTests
{
    /// <summary>A fault would end it in shutdown, for there is no interrupt descriptor table.</summary>
    [Fact]
    public void The_program_runs_to_its_end() => Assert.Equal(RunExit.Halted, HandlerWarmUp.Run());
}
