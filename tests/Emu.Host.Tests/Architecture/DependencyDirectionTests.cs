using System.Reflection;
using System.Xml.Linq;

namespace Emu.Host.Tests.Architecture;

public sealed class DependencyDirectionTests
{
    /// <summary>What each project may know of: projects of ours, and packages that matter to the design.</summary>
    public static TheoryData<string, string[]> Allowed => new()
    {
        { "Emu.Pvh", [] },
        { "Emu.Cpu", ["Iced"] },
        { "Emu.Xen", ["Emu.Cpu"] },
        { "Emu.Machine", ["Emu.Cpu", "Emu.Pvh", "Emu.Xen"] },
        { "Emu.Host", ["Emu.Cpu", "Emu.Pvh", "Emu.Xen", "Emu.Machine", "Iced"] },
    };

    [Theory]
    [MemberData(nameof(Allowed))]
    public void An_assembly_references_only_what_lies_below_it(string assembly, string[] allowed)
    {
        string file = assembly == "Emu.Host" ? "emu" : assembly;
        Assembly loaded = Assembly.LoadFrom(Path.Combine(AppContext.BaseDirectory, file + ".dll"));
        string[] watched = ["Emu.Pvh", "Emu.Cpu", "Emu.Xen", "Emu.Machine", "emu", "Iced"];
        IEnumerable<string> references = loaded.GetReferencedAssemblies().Select(name => name.Name!).Where(watched.Contains);

        Assert.Empty(references.Except(allowed));
    }

    /// <summary>The compiler drops references that nothing uses yet; the project file shows the intention.</summary>
    [Theory]
    [InlineData("Emu.Pvh")]
    [InlineData("Emu.Cpu")]
    [InlineData("Emu.Xen", "Emu.Cpu")]
    [InlineData("Emu.Machine", "Emu.Cpu", "Emu.Pvh", "Emu.Xen")]
    [InlineData("Emu.Host", "Emu.Machine")]
    public void A_project_names_exactly_the_projects_below_it(string project, params string[] expected)
    {
        XDocument file = XDocument.Load(Path.Combine(TestFiles.Repository, "src", project, project + ".csproj"));
        string[] references = [.. file.Descendants("ProjectReference").Select(e => Path.GetFileNameWithoutExtension(e.Attribute("Include")!.Value)).Order()];

        Assert.Equal(expected, references);
    }

    [Fact]
    public void The_processor_takes_only_Iced_from_outside()
    {
        XDocument file = XDocument.Load(Path.Combine(TestFiles.Repository, "src", "Emu.Cpu", "Emu.Cpu.csproj"));

        Assert.Equal(["Iced"], file.Descendants("PackageReference").Select(e => e.Attribute("Include")!.Value));
    }

    [Fact]
    public void Every_source_project_is_watched_here()
    {
        string[] projects = [.. Directory.GetDirectories(Path.Combine(TestFiles.Repository, "src")).Select(path => Path.GetFileName(path)).Order()];
        string[] watched = [.. Allowed.Select(row => (string)row[0]).Order()];

        Assert.Equal(watched, projects);
    }
}
