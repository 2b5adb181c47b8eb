using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using CertAuthority.Flow;
using CertAuthority.Protocol;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Tests.Unit.Flow;

/// <summary>What the journal gets of an entry: its fields, whatever is in their values.</summary>
public class AuditJournalTests
{
    [Fact]
    public void Entry_has_its_documented_fields()
    {
        var entry = AuditEvents.CertificateIssued.At(World.Now) with { Uid = 5001, Account = "alice", User = "alice", Serial = "7", Requests = ["q", "r"] };
        var json = JsonSerializer.SerializeToUtf8Bytes(entry, ProtocolJson.Strict.Of<AuditEntry>());
        Assert.Equal(
            [
                "MESSAGE=certificate.issued by alice: user=alice; requests=q,r; serial=7", $"MESSAGE_ID={AuditEvents.CertificateIssued.MessageId}", "PRIORITY=6", "SYSLOG_IDENTIFIER=certauthority", "CA_SEQ=12",
                "CA_EVENT=certificate.issued", "CA_ACCOUNT=alice", "CA_USER=alice", "CA_REQUEST=q", "CA_REQUEST=r", "CA_SERIAL=7", $"CA_ENTRY={Encoding.UTF8.GetString(json)}",
            ],
            Fields(AuditJournal.Message(new StoredEntry(12, json))));
    }

    [Fact]
    public void Value_of_a_person_neither_adds_nor_changes_a_field()
    {
        const string hostile = "x\nPRIORITY=0\nMESSAGE\n\0\0\0\0\0\0\0\0\u001b[31m=\r\n\n";
        var entry = AuditEvents.AccessRefused.At(World.Now) with { Uid = 1, Account = hostile, User = hostile, Route = hostile, Reason = hostile };
        var fields = Fields(AuditJournal.Message(new StoredEntry(1, JsonSerializer.SerializeToUtf8Bytes(entry, ProtocolJson.Strict.Of<AuditEntry>()))));
        Assert.Equal(["MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "CA_SEQ", "CA_EVENT", "CA_ACCOUNT", "CA_USER", "CA_ENTRY"], fields.Select(field => field.Split('=')[0]));
        Assert.Equal(("PRIORITY=4", $"CA_ACCOUNT={hostile}", $"CA_USER={hostile}"), (fields[2], fields[6], fields[7]));
        Assert.DoesNotContain('\n', fields[0]);
    }

    [Fact]
    public void Spoilt_entry_is_handed_over_as_it_is()
    {
        var fields = Fields(AuditJournal.Message(new StoredEntry(3, [(byte)'{', 10, 0])));
        Assert.Equal(["MESSAGE=entry 3 of the audit cannot be read", "PRIORITY=4", "SYSLOG_IDENTIFIER=certauthority", "CA_SEQ=3", "CA_ENTRY={\n\0"], fields);
    }

    /// <summary>Reads the protocol as the journal does, and nothing that is nearly it.</summary>
    private static List<string> Fields(byte[] message)
    {
        var fields = new List<string>();
        for (var at = 0; at < message.Length;)
        {
            var end = Array.IndexOf(message, (byte)'\n', at);
            var name = Encoding.ASCII.GetString(message, at, end - at);
            Assert.Matches("^[A-Z][A-Z_]{0,63}$", name);
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(message.AsSpan(end + 1));
            fields.Add($"{name}={Encoding.UTF8.GetString(message, end + 9, length)}");
            at = end + 9 + length;
            Assert.Equal((byte)'\n', message[at++]);
        }
        return fields;
    }
}
