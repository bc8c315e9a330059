using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emu.Cpu.Instrumentation;

namespace Emu.Cpu.Memory;

/// <summary>The translation look-aside buffer: one address space for each process-context identifier lately in use.</summary>
/// <remarks>
/// What is in it is the guest's business: it shows in accessed and dirty bits, and in translations that outlive a change of the tables.
/// So it depends on the guest's accesses alone (docs/determinism.md): an access that is answered leaves no trace, one that is not
/// enters its page in its one slot, and code is kept apart from data (<see cref="FetchTlb"/>).
/// Global translations of data are entered for each space by itself; those of code are shared.
/// </remarks>
public sealed unsafe partial class Tlb : IDisposable
{
    /// <summary>Entries in a bank.</summary>
    public const int Entries = 1024;

    // Linux uses six at a time, and one at boot.
    private const int MaxSpaces = 8;

    private readonly List<AddressSpace> _spaces = [];
    private readonly FetchTlb _globalFetches = new();
    private readonly TlbEntry* _checked;
    private AddressSpace _current;
    private ulong _changes;
    private ulong _epochs;

    // Numbers of linear pages, both included.
    private (ulong First, ulong Last)[] _watched = [];

    /// <summary>Makes an empty TLB.</summary>
    public Tlb()
    {
        _checked = (TlbEntry*)NativeMemory.AlignedAlloc((nuint)(Entries * sizeof(TlbEntry)), 64);
        for (var i = 0; i < Entries; i++)
            _checked[i] = TlbEntry.Empty;
        _current = new AddressSpace();
        _spaces.Add(_current);
    }

    /// <summary>A number that changes whenever a translation of code is forgotten: caches of code by linear address are good for one of it.</summary>
    public ulong CodeEpoch => _current.Epoch;

    /// <summary>The entries of a bank of the current address space.</summary>
    public TlbEntry* Bank(TlbBank bank) => bank == TlbBank.Checked ? _checked : _current.Bank(bank);

    /// <summary>The slot of a linear address in a bank.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TlbEntry* Slot(TlbEntry* bank, ulong linear) => bank + ((linear >> 12) & (Entries - 1));

    /// <summary>Enters a translation of data.</summary>
    /// <param name="bank">Where.</param>
    /// <param name="linearPage">The linear page's address.</param>
    /// <param name="page">Its translation.</param>
    /// <param name="read">Reads are allowed.</param>
    /// <param name="write">Writes are, and the page is dirty.</param>
    /// <param name="straight">Writes need no look at what lies in the page.</param>
    /// <param name="host">The page in the host's memory.</param>
    public void Insert(TlbBank bank, ulong linearPage, in PageTranslation page, bool read, bool write, bool straight, byte* host) =>
        Insert(Slot(_current.Bank(bank), linearPage), new TlbEntry
        {
            ReadTag = read ? linearPage : TlbEntry.Never,
            WriteTag = write && straight ? linearPage : TlbEntry.Never,
            Addend = (nint)host - (nint)linearPage,
            Identity = linearPage | (read ? TlbEntry.Readable : 0) | (write ? TlbEntry.Writable : 0) | (page.Global ? TlbEntry.Global : 0)
                | ((ulong)page.ProtectionKey << TlbEntry.KeyShift) | ((ulong)page.SizeShift << TlbEntry.SizeShift),
        });

    /// <summary>Enters a translation of data.</summary>
    /// <param name="slot">Where: its slot in a bank of the current address space.</param>
    /// <param name="entry">The translation.</param>
    public void Insert(TlbEntry* slot, in TlbEntry entry)
    {
        _current.Insert(slot, in entry);
        if (_watched.Length != 0 && IsWatched(entry.Identity))
            Withdraw(slot);
    }

    /// <summary>Lets writes through an entry go straight to RAM: no translated code lies in its page any more.</summary>
    public void LetWritesThrough(TlbEntry* slot)
    {
        var entry = *slot;
        entry.WriteTag = entry.Identity & ~0xFFFUL;
        Insert(slot, entry);
    }

    /// <summary>Lets reads through an entry go straight to RAM: nobody watches its page any more.</summary>
    public void LetReadsThrough(TlbEntry* slot)
    {
        var entry = *slot;
        entry.ReadTag = entry.Identity & ~0xFFFUL;
        Insert(slot, entry);
    }

    /// <summary>Lets every access to some pages be looked at, in all address spaces; those that were watched before go straight to RAM again.</summary>
    /// <param name="watchpoints">What is watched in them.</param>
    public void WatchPages(ReadOnlySpan<Watchpoint> watchpoints)
    {
        _watched = new (ulong First, ulong Last)[watchpoints.Length];
        for (var i = 0; i < watchpoints.Length; i++)
            _watched[i] = (watchpoints[i].Address >> 12, (watchpoints[i].Address + watchpoints[i].Length - 1) >> 12);
        WithdrawWatched();
    }

    private void WithdrawWatched()
    {
        foreach (var space in _spaces)
        {
            for (var bank = TlbBank.SupervisorOverride; bank <= TlbBank.User; bank++)
            {
                for (var slot = space.Bank(bank); slot < space.Bank(bank) + Entries; slot++)
                {
                    if (IsWatched(slot->Identity))
                        Withdraw(slot);
                }
            }
        }
    }

    /// <summary>Whether accesses to a page are looked at.</summary>
    /// <param name="linear">An address in it.</param>
    public bool IsWatched(ulong linear)
    {
        foreach (var (first, last) in _watched)
        {
            if (linear >> 12 >= first && linear >> 12 <= last)
                return true;
        }
        return false;
    }

    /// <summary>Finds a page of code.</summary>
    /// <param name="linear">An address in it.</param>
    /// <param name="user">Whether it is fetched from at CPL 3.</param>
    /// <param name="physical">The physical page's address.</param>
    public bool TryFindFetch(ulong linear, bool user, out ulong physical) =>
        _globalFetches.TryFind(linear, user, out physical) || _current.Fetches.TryFind(linear, user, out physical);

    /// <summary>
    /// Enters a page of code that was not found. Where there is no room everything else is forgotten: <see cref="CodeEpoch"/> changes.
    /// </summary>
    public void InsertFetch(ulong linear, bool user, in PageTranslation page)
    {
        var fetches = page.Global ? _globalFetches : _current.Fetches;
        if (fetches.TryAdd(linear, user, page.Physical, page.SizeShift))
            return;
        fetches.Clear();
        if (page.Global)
            RenewAll();
        else
            RenewCode();
        fetches.TryAdd(linear, user, page.Physical, page.SizeShift);
    }

    /// <summary>Makes the address space of an identifier the current one.</summary>
    /// <remarks>Where there is no room for another, the one that was left longest ago is forgotten.</remarks>
    public void Switch(uint pcid)
    {
        if (pcid == _current.Pcid)
            return;
        _current.LastUse = ++_changes;
        _current = Find(pcid) ?? Make(pcid);
    }

    /// <summary>Forgets everything, in all address spaces.</summary>
    public void Flush()
    {
        foreach (var space in _spaces)
        {
            space.Flush(keepGlobal: false);
            space.Fetches.Clear();
        }
        _globalFetches.Clear();
        RenewAll();
    }

    /// <summary>Forgets everything that is not global, in all address spaces.</summary>
    public void FlushAllButGlobal()
    {
        foreach (var space in _spaces)
            FlushButGlobal(space);
    }

    /// <summary>Forgets what is not global of one address space.</summary>
    public void FlushSpace(uint pcid)
    {
        if (Find(pcid) is { } space)
            FlushButGlobal(space);
    }

    /// <summary>Forgets one page, whatever its size: of the current address space, and where it is global of all (INVLPG).</summary>
    public void FlushPage(ulong linear)
    {
        foreach (var space in _spaces)
            space.FlushPage(linear, only: space == _current ? 0 : TlbEntry.Global, except: 0);
        if (_globalFetches.Remove(linear))
            RenewAll();
        if (_current.Fetches.Remove(linear))
            RenewCode();
    }

    /// <summary>Forgets one page of one address space, unless it is global (INVPCID).</summary>
    public void FlushPage(uint pcid, ulong linear)
    {
        if (Find(pcid) is not { } space)
            return;
        space.FlushPage(linear, only: 0, except: TlbEntry.Global);
        if (space.Fetches.Remove(linear))
            space.Epoch = ++_epochs;
    }

    /// <summary>Forgets what the current address space knows of a page (a page fault).</summary>
    public void ForgetFaulted(ulong linear)
    {
        _current.FlushPage(linear, only: 0, except: 0);
        if (_current.Fetches.Remove(linear))
            RenewCode();
    }

    /// <summary>Forgets the pages of data whose protection key is one of a set, in all address spaces.</summary>
    /// <param name="keys">Bit n stands for key n.</param>
    public void FlushKeys(uint keys)
    {
        foreach (var space in _spaces)
            space.FlushKeys(keys);
    }

    /// <summary>Withdraws the right to write without a look from every translation of a page of RAM: it now holds translated code.</summary>
    public void ProtectFromWrites(byte* hostPage)
    {
        foreach (var space in _spaces)
            space.ProtectFromWrites(hostPage);
    }

    /// <summary>Gives the current address space a new <see cref="CodeEpoch"/>: its code's addresses mean something else.</summary>
    public void RenewCode() => _current.Epoch = ++_epochs;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var space in _spaces)
            space.Dispose();
        NativeMemory.AlignedFree(_checked);
    }

    private static void Withdraw(TlbEntry* slot) => slot->ReadTag = slot->WriteTag = TlbEntry.Never;

    private AddressSpace? Find(uint pcid)
    {
        foreach (var space in _spaces)
        {
            if (space.Pcid == pcid)
                return space;
        }
        return null;
    }

    private AddressSpace Make(uint pcid)
    {
        AddressSpace space;
        if (_spaces.Count < MaxSpaces)
        {
            space = new AddressSpace();
            _spaces.Add(space);
        }
        else
        {
            space = _spaces[0];
            foreach (var other in _spaces)
            {
                if (other.LastUse < space.LastUse)
                    space = other;
            }
            space.Flush(keepGlobal: false);
            space.Fetches.Clear();
        }
        space.Pcid = pcid;
        space.Epoch = ++_epochs;
        return space;
    }

    private void FlushButGlobal(AddressSpace space)
    {
        space.Flush(keepGlobal: true);
        if (space.Fetches.Clear())
            space.Epoch = ++_epochs;
    }

    private void RenewAll()
    {
        foreach (var space in _spaces)
            space.Epoch = ++_epochs;
    }
}
