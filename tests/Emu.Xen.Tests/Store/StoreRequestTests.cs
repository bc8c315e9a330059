using System.Globalization;
using Emu.Xen.Store;
using Xunit;

namespace Emu.Xen.Tests.Store;

public sealed class StoreRequestTests
{
    private readonly XenStore _store = new();
    private readonly StoreGuest _guest;

    public StoreRequestTests() => _guest = new StoreGuest(_store);

    [Fact]
    public void What_was_written_is_read_by_relative_and_absolute_path()
    {
        Assert.Equal("OK|", _guest.Write("a/b", "one"));
        Assert.Equal("one", _guest.Read("a/b"));
        Assert.Equal("one", _guest.Read("/local/domain/1/a/b"));
        Assert.True(_store.Control.TryRead("/local/domain/1/a/b", out var value));
        Assert.Equal("one", value);
    }

    [Fact]
    public void Values_are_any_bytes()
    {
        Assert.Equal("OK|", _guest.Write("a", "x||y\u00FF|"));
        Assert.Equal("x||y\u00FF|", _guest.Read("a"));
    }

    [Fact]
    public void Parents_that_a_write_creates_are_empty()
    {
        _guest.Write("a/b/c", "x");
        Assert.Equal("", _guest.Read("a"));
        Assert.Equal("b|", _guest.Directory("a"));
    }

    [Fact]
    public void Children_come_in_the_order_of_their_creation()
    {
        foreach (var name in (string[])["z", "a", "m"])
            _guest.Write("d/" + name, "");
        Assert.Equal("z|a|m|", _guest.Directory("d"));
        _guest.Remove("d/z");
        _guest.Write("d/z", "");
        Assert.Equal("a|m|z|", _guest.Directory("d"));
    }

    [Fact]
    public void Making_a_directory_leaves_what_exists_alone()
    {
        _guest.Write("a", "x");
        Assert.Equal("OK|", _guest.Ask(StoreMessageType.MakeDirectory, "a|"));
        Assert.Equal("x", _guest.Read("a"));
        Assert.Equal("OK|", _guest.Ask(StoreMessageType.MakeDirectory, "b/c|"));
        Assert.Equal("", _guest.Read("b/c"));
    }

    [Fact]
    public void Removal_takes_all_below_along_and_needs_only_the_parent()
    {
        _guest.Write("a/b/c", "x");
        var nodes = _store.NodeCount;
        Assert.Equal("OK|", _guest.Remove("a"));
        Assert.Equal(nodes - 3, _store.NodeCount);
        Assert.Equal("ENOENT|", _guest.Read("a/b"));
        Assert.Equal("OK|", _guest.Remove("a"));
        Assert.Equal("ENOENT|", _guest.Remove("a/b"));
        Assert.Equal("EACCES|", _guest.Remove("/"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData("a b")]
    [InlineData("a.b")]
    [InlineData("/a/")]
    [InlineData("//")]
    [InlineData("@releaseDomain")]
    public void Malformed_paths_are_invalid(string path)
    {
        Assert.Equal("EINVAL|", _guest.Read(path));
        Assert.Equal("EINVAL|", _guest.Write(path, "x"));
        Assert.Equal("EINVAL|", _guest.Remove(path));
        Assert.Equal("EINVAL|", _guest.Directory(path));
        Assert.Equal("EINVAL|", _guest.Ask(StoreMessageType.MakeDirectory, path + "|"));
        Assert.Equal("EINVAL|", _guest.Ask(StoreMessageType.GetPermissions, path + "|"));
    }

    [Fact]
    public void Paths_may_be_2048_long_not_counting_the_domains_directory()
    {
        // A node's name counts in its parent's size, so such a path has many parts.
        var path = string.Join('/', Enumerable.Repeat(new string('a', 127), 16));
        Assert.Equal(2047, path.Length);
        Assert.Equal("ENOENT|", _guest.Read(path + "b"));
        Assert.Equal("EINVAL|", _guest.Read(path + "bb"));
        Assert.Equal("EACCES|", _guest.Read("/" + path));
        Assert.Equal("EINVAL|", _guest.Read("/" + path + "b"));
    }

    [Theory]
    [InlineData(StoreMessageType.Read, "a")]
    [InlineData(StoreMessageType.Read, "")]
    [InlineData(StoreMessageType.Read, "a|b|")]
    [InlineData(StoreMessageType.Read, "a|b")]
    [InlineData(StoreMessageType.Directory, "a")]
    [InlineData(StoreMessageType.Write, "a")]
    [InlineData(StoreMessageType.Write, "")]
    [InlineData(StoreMessageType.MakeDirectory, "a|b|")]
    [InlineData(StoreMessageType.Remove, "a")]
    [InlineData(StoreMessageType.GetPermissions, "")]
    [InlineData(StoreMessageType.SetPermissions, "a|")]
    [InlineData(StoreMessageType.SetPermissions, "a|x1|")]
    [InlineData(StoreMessageType.SetPermissions, "a|n|")]
    [InlineData(StoreMessageType.SetPermissions, "a|n1x|")]
    [InlineData(StoreMessageType.SetPermissions, "a||")]
    [InlineData(StoreMessageType.Watch, "a|")]
    [InlineData(StoreMessageType.Watch, "a|b|c|")]
    [InlineData(StoreMessageType.Unwatch, "a|")]
    [InlineData(StoreMessageType.DirectoryPart, "a|")]
    [InlineData(StoreMessageType.DirectoryPart, "")]
    [InlineData(StoreMessageType.GetDomainPath, "1")]
    [InlineData(StoreMessageType.TransactionEnd, "X|")]
    [InlineData(StoreMessageType.TransactionEnd, "T")]
    public void Malformed_payloads_are_invalid(StoreMessageType type, string payload)
    {
        _guest.Write("a", "");
        Assert.Equal("EINVAL|", _guest.Ask(type, payload));
    }

    [Theory]
    [InlineData(StoreMessageType.Control)]
    [InlineData(StoreMessageType.Introduce)]
    [InlineData(StoreMessageType.Release)]
    [InlineData(StoreMessageType.IsDomainIntroduced)]
    [InlineData(StoreMessageType.Resume)]
    [InlineData(StoreMessageType.SetTarget)]
    public void What_is_domain_zeros_is_denied(StoreMessageType type) =>
        Assert.Equal("EACCES|", _guest.Ask(type, "1|1|1|"));

    [Theory]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(20)]
    [InlineData(23)]
    [InlineData(26)]
    [InlineData(0xFFFF)]
    [InlineData(uint.MaxValue)]
    public void Unknown_requests_are_not_implemented(uint type) =>
        Assert.Equal("ENOSYS|", _guest.Ask((StoreMessageType)type, "a|"));

    [Theory]
    [InlineData("1", "/local/domain/1|")]
    [InlineData("007", "/local/domain/7|")]
    [InlineData("7x", "/local/domain/7|")]
    [InlineData("x", "/local/domain/0|")]
    [InlineData("-1", "/local/domain/4294967295|")]
    public void Domains_paths_are_told_for_any_number(string domain, string expected) =>
        Assert.Equal(expected, _guest.Ask(StoreMessageType.GetDomainPath, domain + "|"));

    [Fact]
    public void Directories_come_in_parts_with_a_generation_that_changes()
    {
        for (var i = 0; i < 900; i++)
            _store.Control.Write($"/local/domain/1/d/child{i:D4}", "");
        Assert.Equal("E2BIG|", _guest.Directory("d"));

        var names = new List<string>();
        var generation = "";
        while (true)
        {
            var offset = names.Sum(name => name.Length + 1).ToString(CultureInfo.InvariantCulture);
            var part = _guest.Ask(StoreMessageType.DirectoryPart, $"d|{offset}|");
            var texts = part[..^1].Split('|');
            Assert.True(generation.Length == 0 || generation == texts[0]);
            generation = texts[0];
            names.AddRange(texts[1..].Where(name => name.Length > 0));
            if (texts[^1].Length == 0)
                break;
        }

        Assert.Equal(Enumerable.Range(0, 900).Select(i => $"child{i:D4}"), names);
        _store.Control.Write("/local/domain/1/d/more", "");
        Assert.NotEqual(generation, _guest.Ask(StoreMessageType.DirectoryPart, "d|0|").Split('|')[0]);
    }

    [Fact]
    public void A_part_behind_the_end_is_empty()
    {
        _guest.Write("d/a", "");
        Assert.EndsWith("||", _guest.Ask(StoreMessageType.DirectoryPart, "d|2|"), StringComparison.Ordinal);
        Assert.EndsWith("||", _guest.Ask(StoreMessageType.DirectoryPart, "d|-1|"), StringComparison.Ordinal);
        Assert.EndsWith("|a||", _guest.Ask(StoreMessageType.DirectoryPart, "d|0|"), StringComparison.Ordinal);
    }
}
