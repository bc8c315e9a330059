using Emu.Cpu.Instructions;
using Iced.Intel;
using Xunit;

namespace Emu.Cpu.Tests.Instructions;

public sealed class InstructionTableTests
{
    [Fact]
    public void Every_general_purpose_form_is_implemented()
    {
        var table = new InstructionTable();
        var missing = IntegerForms.All.Where(code => !table.Implements(code)).ToList();
        Assert.True(missing.Count == 0, string.Join(", ", missing));
        Assert.True(IntegerForms.All.Count() > 700, $"only {IntegerForms.All.Count()} forms are asked for");
    }
}
