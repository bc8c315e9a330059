using System.Text;
using Emu.Host.CommandLine;

namespace Emu.Host.Tests.Configuration;

/// <summary>xl's syntax (tools/libs/util/libxlu_cfg_l.l and libxlu_cfg_y.y), seen through what becomes of the command line.</summary>
public sealed class ConfigSyntaxTests : ConfigurationTests
{
    [Theory]
    [InlineData("cmdline=\"a b\"", "a b")]
    [InlineData("cmdline = 'a \"b\"'", "a \"b\"")]
    [InlineData("  cmdline\t=\t'a'  # and 'more'", "a")]
    [InlineData("cmdline='a # b'", "a # b")]
    [InlineData("cmdline='a'; cmdline='b'", "b")]
    [InlineData("cmdline='a';;\n\n;", "a")]
    [InlineData("cmdline='a'\ncmdline+=' b'", "a b")]
    [InlineData("cmdline+='a'", "a")]
    [InlineData("cmdline=\"a\\tb\\\\c\\\"d\\'e\"", "a\tb\\c\"d'e")]
    [InlineData("cmdline=0x1f", "0x1f")]
    [InlineData("cmdline=''", "")]
    [InlineData("cmdline='ünïcödé ✓'", "ünïcödé ✓")]
    [InlineData("cmdline='a'\r\n# comment\r\n", "a")]
    [InlineData("# nothing but this", null)]
    public void Strings_numbers_comments_and_separators_are_xls(string line, string? expected)
    {
        RunOptions options = Parse(Minimal + line);

        Assert.Equal(expected, Text(options.CommandLine));
    }

    [Theory]
    [InlineData("disk=['a,raw,xvda,w','b,raw,xvdb,w']")]
    [InlineData("disk = [ 'a,raw,xvda,w' , 'b,raw,xvdb,w', ]")]
    [InlineData("disk = [\n\n  'a,raw,xvda,w' # one\n,\n 'b,raw,xvdb,w'\n # two\n ]")]
    [InlineData("disk = [ 'a,raw,xvda,w' ]\ndisk += [ 'b,raw,xvdb,w' ]")]
    public void Lists_may_go_on_over_lines_end_in_a_comma_and_be_added_to(string lines)
    {
        Assert.Equal(["a", "b"], Parse(Minimal + lines).Disks.Select(disk => disk.Path));
    }

    [Fact]
    public void Nested_lists_are_understood_where_their_key_is_ignored()
    {
        Assert.Equal(["vnuma"], Parse(Minimal + "vnuma = [ [ 'pnode=0', 'size=512' ], [ 'pnode=1', [] ] ]").IgnoredKeys);
    }

    [Theory]
    [InlineData(3, "cmdline", "memory = 512\nkernel")]
    [InlineData(3, "=", "cmdline 'a'")]
    [InlineData(3, "value", "cmdline =\n'a'")]
    [InlineData(3, "value", "cmdline = a")]
    [InlineData(3, "closing", "cmdline = 'a")]
    [InlineData(3, "closing", "cmdline = 'a\nb'")]
    [InlineData(3, "backslash", "cmdline = 'a\\qb'")]
    [InlineData(3, "escape", "cmdline = 'a\\x41'")]
    [InlineData(3, "escape", "cmdline = 'a\\101'")]
    [InlineData(3, "'b'", "cmdline = 'a' b")]
    [InlineData(3, "Python", "cmdline = 'a' + 'b'")]
    [InlineData(3, "Python", "import os, re\n(x)")]
    [InlineData(3, "lower case", "Cmdline = 'a'")]
    [InlineData(3, "'$'", "cmdline = $HOME")]
    [InlineData(3, "','", "disk = [ 'a' 'b' ]")]
    [InlineData(3, "value", "disk = [ , 'a' ]")]
    [InlineData(4, "']'", "disk = [ 'a',\n'b'")]
    [InlineData(3, "nested", "vnuma = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[")]
    [InlineData(4, "cannot be added", "cmdline = 'a'\ncmdline += ['b']")]
    [InlineData(3, "code 1", "cmdline = 'a' \u0001")]
    public void A_mistake_is_named_with_file_and_line(int line, string named, string text)
    {
        if (text.StartsWith("memory", StringComparison.Ordinal))
            (line, named) = (4, "'='");
        if (text.StartsWith("import", StringComparison.Ordinal))
            named = "'='";
        string refusal = Refusal(Minimal + text);

        Assert.Contains($"guest.cfg:{line}: ", refusal, StringComparison.Ordinal);
        Assert.Contains(named, refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_text_or_too_long_is_refused()
    {
        Assert.Contains("KiB", Refusal(Minimal + new string('#', 70_000)), StringComparison.Ordinal);
        string path = Write("guest.cfg", "");
        File.WriteAllBytes(path, [.. Encoding.ASCII.GetBytes(Minimal), 0xFF, 0xFE]);
        Assert.Contains("UTF-8", Assert.Throws<UsageException>(() => ParseFile(path)).Message, StringComparison.Ordinal);
    }

    /// <summary>Whatever is in the file: options, or one sentence.</summary>
    [Fact]
    public void Damaged_configurations_are_read_or_refused_and_nothing_else()
    {
        const string Whole = """
            name = "guest" ; type='pvh' # kind
            kernel = "vmlinuz"; ramdisk = 'initrd.gz'
            memory = 0x200; maxmem = "1024"; vcpus=2;maxvcpus=4
            extra = "a\tb" ; root='/dev/xvda'
            extra += " c"
            disk = [ 'a.img,raw,xvda,w',
              "format=raw, vdev=hdc, access=r, devtype=cdrom, target=b.img", ]
            vif = [ 'mac=00:16:3e:12:34:56,bridge=xenbr0', '' ]
            vnuma = [ [ 'pnode=0', [ 1, 2 ] ] ]
            on_reboot = 'restart'
            """;
        const string Pieces = "\"'[],;=+#\\ \n\r\t\0aZ09:.-(€";
        Random random = new(42);
        int accepted = 0;
        for (int round = 0; round < 3000; round++)
        {
            StringBuilder text = new(Whole);
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                int at = random.Next(text.Length);
                switch (random.Next(3))
                {
                    case 0:
                        text.Remove(at, Math.Min(random.Next(1, 20), text.Length - at));
                        break;
                    case 1:
                        text.Insert(at, Pieces[random.Next(Pieces.Length)]);
                        break;
                    default:
                        text[at] = Pieces[random.Next(Pieces.Length)];
                        break;
                }
            }

            try
            {
                Parse(text.ToString());
                accepted++;
            }
            catch (UsageException e)
            {
                Assert.EndsWith(".", e.Message, StringComparison.Ordinal);
                Assert.DoesNotContain("\n", e.Message, StringComparison.Ordinal);
            }
        }

        Assert.InRange(accepted, 1, 2999);
    }
}
