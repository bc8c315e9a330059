using System.Text;
using Emu.Host.CommandLine;
using Emu.Host.Running;
using Emu.Machine;
using Emu.Pvh;

namespace Emu.Host.Configuration;

/// <summary>What an xl configuration (docs/man/xl.cfg.5.pod.in) says about a PVH domain. Null is what it does not say.</summary>
internal sealed record DomainConfiguration
{
    /// <summary>What xl starts the shim with where the configuration says nothing else.</summary>
    private const string ShimCommandLine = "pv-shim console=xen,pv";

    private const long LargestMebibytes = (long)(MachineMemoryMap.Largest >> 20);

    /// <summary>The file.</summary>
    public required string Source { get; init; }

    /// <summary>The domain's name.</summary>
    public string? Name { get; init; }

    /// <summary>The domain's UUID.</summary>
    public Guid? Uuid { get; init; }

    /// <summary>The kernel.</summary>
    public required string Kernel { get; init; }

    /// <summary>The kernel's command line.</summary>
    public ReadOnlyMemory<byte>? CommandLine { get; init; }

    /// <summary>The ramdisk's file.</summary>
    public string? Ramdisk { get; init; }

    /// <summary>The shim that is to start the kernel as a PV guest, with its own command line.</summary>
    public ModuleOption? Shim { get; init; }

    /// <summary>The memory to begin with, in bytes.</summary>
    public ulong? Memory { get; init; }

    /// <summary>The most memory that the guest may ever have, in bytes.</summary>
    public ulong? MaximumMemory { get; init; }

    /// <summary>The vCPUs to begin with.</summary>
    public int? Vcpus { get; init; }

    /// <summary>The most vCPUs that the guest may ever have.</summary>
    public int? MaximumVcpus { get; init; }

    /// <summary>The disks.</summary>
    public IReadOnlyList<DiskOptions> Disks { get; init; } = [];

    /// <summary>The network cards.</summary>
    public IReadOnlyList<NetworkCard> NetworkCards { get; init; } = [];

    /// <summary>After which ends the guest is to be started anew.</summary>
    public RestartPolicy Restart { get; init; }

    /// <summary>The keys that have no effect, as they are written.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>What the machine starts: the shim where there is one, else the kernel.</summary>
    public ModuleOption Image => Shim ?? new ModuleOption(Kernel, CommandLine);

    /// <summary>What the image gets as modules. A shim gets the kernel, with its command line, and the ramdisk behind it.</summary>
    public IReadOnlyList<ModuleOption> Modules
    {
        get
        {
            List<ModuleOption> modules = [];
            if (Shim is not null)
                modules.Add(new ModuleOption(Kernel, CommandLine));
            if (Ramdisk is not null)
                modules.Add(new ModuleOption(Ramdisk, null));
            return modules;
        }
    }

    /// <summary>
    /// Reads a file where it is a configuration: by its name, which ends in <c>.cfg</c>, or because it is text that parses as one and names a kernel.
    /// </summary>
    /// <param name="path">The file; it need not exist.</param>
    /// <returns>The configuration; null where the file is something else.</returns>
    /// <exception cref="UsageException">It is a configuration that cannot be used; the message names file, line and key.</exception>
    public static DomainConfiguration? TryRead(string path)
    {
        if (path.EndsWith(".cfg", StringComparison.OrdinalIgnoreCase))
            return From(ConfigFile.Read(path));
        byte[] bytes;
        try
        {
            // Kernels are larger; whatever else is wrong with the file, the kernel's loader tells.
            if (new FileInfo(path) is not { Exists: true, Length: <= ConfigFile.Largest })
                return null;
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return null;
        }

        if (bytes.AsSpan().Contains((byte)0))
            return null;
        try
        {
            ConfigFile file = ConfigFile.Parse(path, bytes);
            if (file.Find("kernel") is null)
                return null;
            return From(file);
        }
        catch (UsageException) when (!MentionsKernel(bytes))
        {
            return null;
        }
    }

    /// <summary>Makes sense of a file's settings.</summary>
    /// <param name="file">The file.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="UsageException">It cannot be used; the message names file, line and key.</exception>
    public static DomainConfiguration From(ConfigFile file) => new Reader(file).Read();

    /// <summary>A line that sets the kernel: a mistake elsewhere in such a file is the user's to know.</summary>
    private static bool MentionsKernel(byte[] bytes)
    {
        foreach (string line in Encoding.Latin1.GetString(bytes).Split('\n'))
        {
            string text = line.TrimStart();
            if (text.StartsWith("kernel", StringComparison.Ordinal) && text[6..].TrimStart().StartsWith('='))
                return true;
        }

        return false;
    }

    private sealed class Reader(ConfigFile file)
    {
        private readonly HashSet<string> _used = [];
        private readonly List<string> _ignored = [];

        public DomainConfiguration Read()
        {
            CheckType();
            ulong? memory = Mebibytes("memory"), maximum = Mebibytes("maxmem");
            if (memory > maximum)
                throw file.Find("maxmem")!.Refuse($"{maximum >> 20} is less than memory, which is {memory >> 20}");
            int? vcpus = Vcpus("vcpus"), maximumVcpus = Vcpus("maxvcpus");
            if (vcpus > maximumVcpus)
                throw file.Find("maxvcpus")!.Refuse($"{maximumVcpus} is less than vcpus, which is {vcpus}");
            string kernel = Path("kernel") ?? throw new UsageException(
                $"{file.Source}: kernel is missing: the domain's kernel is read from a file, not out of a disk by a boot loader.");
            DomainConfiguration configuration = new()
            {
                Source = file.Source,
                Name = Name(),
                Uuid = Uuid(),
                Kernel = kernel,
                CommandLine = CommandLine(),
                Ramdisk = Path("ramdisk"),
                Shim = Shim(),
                Memory = memory ?? maximum,
                MaximumMemory = maximum,
                Vcpus = vcpus ?? (maximumVcpus is null ? null : 1),
                MaximumVcpus = maximumVcpus,
                Disks = Disks(),
                NetworkCards = NetworkCards(),
                // xl's own choices where nothing is said.
                Restart = (Restarts("on_poweroff", "destroy") ? RestartPolicy.PowerOff : 0)
                    | (Restarts("on_reboot", "restart") ? RestartPolicy.Reboot : 0)
                    | (Restarts("on_crash", "destroy") ? RestartPolicy.Crash : 0),
            };
            foreach (ConfigSetting setting in file.Settings)
            {
                if (!_used.Contains(setting.Key))
                    _ignored.Add(setting.Key);
            }

            return configuration with { Ignored = _ignored };
        }

        /// <summary>type, or builder before it; xl takes a configuration without either for a PV domain's.</summary>
        private void CheckType()
        {
            const string Works = "type = \"pvh\" works, and with pvshim = 1 beside it a PV kernel does";
            ConfigSetting? type = Take("type"), builder = Take("builder");
            if (type is null && builder is null)
                throw new UsageException($"{file.Source}: type is missing, which makes a PV domain; {Works}.");
            if (type is { Text: not "pvh" })
                throw type.Refuse($"a domain of type '{type.Text}' cannot be had here; {Works}");
            if (type is null && builder is { Text: not "pvh" })
                throw builder.Refuse($"a domain made by builder '{builder.Text}' cannot be had here; {Works}");
        }

        private ConfigSetting? Take(string key)
        {
            _used.Add(key);
            return file.Find(key);
        }

        private string? Path(string key)
        {
            if (Take(key) is not { } setting)
                return null;
            return setting.Text.Length != 0 ? setting.Text : throw setting.Refuse("a file's name is wanted");
        }

        private ModuleOption? Shim()
        {
            if (Take("pvshim") is not { IsTrue: true } shim)
                return null;
            string path = Path("pvshim_path") ?? throw shim.Refuse("pvshim_path has to name the shim, such as xen-shim of Debian's xen-utils");
            return new ModuleOption(path, Bytes(Take("pvshim_cmdline")?.Text ?? ShimCommandLine, Take("pvshim_extra")?.Text));
        }

        private string? Name()
        {
            if (Take("name") is not { } setting)
                return null;
            return OptionText.IsDomainName(setting.Text) ? setting.Text : throw setting.Refuse(OptionText.DomainNameRule);
        }

        private Guid? Uuid()
        {
            if (Take("uuid") is not { } setting)
                return null;
            return Guid.TryParse(setting.Text, out Guid uuid)
                ? uuid
                : throw setting.Refuse($"a UUID such as 3b8e2a60-0000-4000-8000-000000000001 is wanted, not '{setting.Text}'");
        }

        private ulong? Mebibytes(string key) =>
            Take(key) is { } setting ? (ulong)setting.Number((long)(MachineMemoryMap.Smallest >> 20), LargestMebibytes) << 20 : null;

        private int? Vcpus(string key) => (int?)Take(key)?.Number(1, PvhMachine.MostVcpus);

        private ReadOnlyMemory<byte>? CommandLine()
        {
            ConfigSetting? whole = Take("cmdline"), root = Take("root"), extra = Take("extra");
            if (whole is null && root is null && extra is null)
                return null;
            if (whole is null)
                return root is null ? Bytes(extra!.Text, null) : Bytes($"root={root.Text}", extra?.Text);
            if (root is not null)
                _ignored.Add("root");
            if (extra is not null)
                _ignored.Add("extra");
            return Bytes(whole.Text, null);
        }

        private static ReadOnlyMemory<byte> Bytes(string text, string? more) => Encoding.UTF8.GetBytes(more is null ? text : $"{text} {more}");

        private List<DiskOptions> Disks()
        {
            List<DiskOptions> disks = [];
            Each("disk", (text, ignored) =>
            {
                DiskOptions disk = DiskSpecification.Parse(text, null, ignored);
                if (disks.Exists(other => DiskSet.IsSame(other, disk)))
                    throw new FormatException($"{disk.Device} is there twice");
                disks.Add(disk);
            });
            return disks;
        }

        private List<NetworkCard> NetworkCards()
        {
            List<NetworkCard> cards = [];
            Each("vif", (text, ignored) => cards.Add(NetworkSpecification.ParseVif(text, cards.Count, ignored)));
            return cards;
        }

        /// <summary>Reads a list of specifications; what has no effect in them is named once for all.</summary>
        private void Each(string key, Action<string, List<string>> read)
        {
            if (Take(key) is not { } setting)
                return;
            List<string> ignored = [];
            foreach (ConfigText item in setting.Texts)
            {
                try
                {
                    read(item.Text, ignored);
                }
                catch (FormatException e)
                {
                    throw setting.RefuseAt(item.Line, e.Message);
                }
            }

            foreach (string name in ignored.Distinct())
                _ignored.Add($"{key}'s {name}");
        }

        private bool Restarts(string key, string standard)
        {
            ConfigSetting? setting = Take(key);
            switch (setting?.Text ?? standard)
            {
                case "destroy":
                    return false;
                case "restart":
                    return true;
                case "rename-restart":
                    _ignored.Add($"{key}'s renaming");
                    return true;
                case "coredump-restart":
                    _ignored.Add($"{key}'s core dump");
                    return true;
                case "preserve" or "coredump-destroy" or "soft-reset":
                    _ignored.Add(key);
                    return false;
                default:
                    throw setting!.Refuse($"destroy, restart, rename-restart, preserve, coredump-destroy or coredump-restart is wanted, not '{setting.Text}'");
            }
        }
    }
}
