using System.Buffers.Binary;
using System.Text;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Flow;

/// <summary>The systemd journal, which gets each entry with its fields.</summary>
/// <param name="path">The socket of the journal.</param>
internal sealed class AuditJournal(string path) : AuditSink("journal")
{
    private JournalSocket? journal;

    public override Task<int> Send(IReadOnlyList<StoredEntry> entries, CancellationToken stopping)
    {
        journal ??= new JournalSocket(path);
        var sent = 0;
        try
        {
            for (; sent < entries.Count; sent++)
                journal.Send(Message(entries[sent]));
        }
        catch (IOException) when (sent > 0)
        {
            // The next call tells what is wrong.
        }
        return Task.FromResult(sent);
    }

    public override void Abandon()
    {
        journal?.Dispose();
        journal = null;
    }

    /// <summary>
    /// Returns the fields of an entry. Each is written with its length, so that no value, whatever is in it, ends its field.
    /// </summary>
    internal static byte[] Message(StoredEntry stored)
    {
        var entry = stored.Read();
        var kind = entry is null ? null : AuditEvents.Find(entry.Event);
        var message = new MemoryStream();
        Add("MESSAGE", entry is null
            ? $"entry {stored.Seq} of the audit cannot be read"
            : $"{entry.Event} by {Printable.Escape(entry.DescribeActor())}: {Printable.Escape(entry.DescribeFacts())}");
        Add("MESSAGE_ID", kind?.MessageId);
        Add("PRIORITY", $"{(int)(kind?.Priority ?? AuditPriority.Warning)}");
        Add("SYSLOG_IDENTIFIER", "certauthority");
        Add("CA_SEQ", $"{stored.Seq}");
        Add("CA_EVENT", entry?.Event);
        Add("CA_ACCOUNT", entry?.Account);
        Add("CA_USER", entry?.User);
        // A field may be there several times.
        Add("CA_REQUEST", entry?.Request);
        foreach (var request in entry?.Requests ?? [])
            Add("CA_REQUEST", request);
        Add("CA_SERIAL", entry?.Serial);
        AddBytes("CA_ENTRY", stored.Json);
        return message.ToArray();

        void Add(string field, string? value)
        {
            if (value is not null)
                AddBytes(field, Encoding.UTF8.GetBytes(value));
        }

        void AddBytes(string field, byte[] value)
        {
            Span<byte> length = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)value.Length);
            message.Write(Encoding.ASCII.GetBytes($"{field}\n"));
            message.Write(length);
            message.Write(value);
            message.Write("\n"u8);
        }
    }
}
