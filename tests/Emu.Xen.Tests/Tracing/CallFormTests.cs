using System.Reflection;
using Emu.Xen.Hypercalls;
using Emu.Xen.Tracing;
using Emu.Xen.Tracing.Forms;
using Xunit;

namespace Emu.Xen.Tests.Tracing;

public sealed class CallFormTests
{
    /// <summary>Every operation that a dispatcher knows, by its constants.</summary>
    public static TheoryData<string, uint, uint> Dispatched
    {
        get
        {
            TheoryData<string, uint, uint> data = [];
            foreach (Type type in (Type[])[typeof(EventChannelOperation), typeof(GrantTableOperation), typeof(HvmOperation), typeof(MemoryOperation),
                typeof(SchedulerOperation), typeof(VcpuOperation), typeof(VmAssist), typeof(ConsoleTransfer)])
            {
                uint number = Constants(type).Single(static constant => constant.Name == "Number").Value;
                foreach ((string name, uint value) in Constants(type).Where(static constant => constant.Name is not ("Number" or "CommandMask")))
                    data.Add($"{type.Name}.{name}", number, value);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Dispatched))]
    public void Every_operation_that_is_carried_out_has_a_name(string operation, uint number, uint command)
    {
        CallForm form = CallForms.Find(number)!;
        Assert.True(form.Operations.Count(candidate => candidate.Command == command) == 1, operation);
    }

    [Theory]
    [InlineData("memory_op.add_to_physmap", 24, 16)]
    [InlineData("memory_op.populate_physmap", 32, 20)]
    [InlineData("memory_op.add_to_physmap_batch", 32, 20)]
    [InlineData("memory_op.memory_map", 16, 8)]
    [InlineData("memory_op.remove_from_physmap", 16, 8)]
    [InlineData("xen_version.compile_info", 144, 144)]
    [InlineData("vcpu_op.get_runstate", 48, 44)]
    [InlineData("vcpu_op.register_vcpu_info", 16, 16)]
    [InlineData("sched_op.poll", 24, 16)]
    [InlineData("event_channel_op.bind_interdomain", 12, 12)]
    [InlineData("event_channel_op.status", 24, 24)]
    [InlineData("event_channel_op.init_control", 24, 20)]
    [InlineData("hvm_op.set_param", 16, 16)]
    [InlineData("hvm_op.pagetable_dying", 16, 16)]
    [InlineData("grant_table_op.map_grant_ref", 32, 32)]
    [InlineData("grant_table_op.unmap_grant_ref", 24, 24)]
    [InlineData("grant_table_op.setup_table", 24, 16)]
    [InlineData("grant_table_op.copy", 40, 24)]
    [InlineData("grant_table_op.query_size", 16, 16)]
    [InlineData("grant_table_op.swap_grant_ref", 12, 12)]
    public void Structures_are_as_long_as_a_C_compiler_makes_them(string name, int length64, int length32)
    {
        CallId id = CallText.Find(name)!.Value;
        Structure structure = CallForms.Find(id.Number)!.Operations.Single(operation => operation.Command == id.Command).Structure!;
        Assert.Equal(length64, structure.Length(is64Bit: true));
        Assert.Equal(length32, structure.Length(is64Bit: false));
    }

    [Fact]
    public void Every_hypercall_is_found_by_its_name()
    {
        Assert.Equal(new CallId(VcpuOperation.Number, VcpuOperation.RegisterInfo, 2), CallText.Find("vcpu_op.register_vcpu_info"));
        Assert.Equal(new CallId(Multicall.Number, 0, 1), CallText.Find("multicall"));
        Assert.Null(CallText.Find("vcpu_op.nothing"));
        Assert.Null(CallText.Find("nothing"));
    }

    private static IEnumerable<(string Name, uint Value)> Constants(Type type) => type
        .GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
        .Where(static field => field is { IsLiteral: true, IsPublic: true } && field.FieldType == typeof(uint))
        .Select(static field => (field.Name, (uint)field.GetRawConstantValue()!));
}
