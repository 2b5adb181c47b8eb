using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>
/// One caller's change in a batch. The caller gets no answer before the batch is committed, not even a refusal, because a refusal may
/// depend on what another change in the batch wrote.
/// </summary>
internal abstract class Change(bool takesAway, IReadOnlyList<Question> ahead)
{
    public bool TakesAway => takesAway;

    /// <summary>What the change will ask.</summary>
    public IReadOnlyList<Question> Ahead => ahead;

    /// <summary>The audit entries of the change; none if it was refused.</summary>
    public abstract IEnumerable<AuditEntry> Audited { get; }

    public abstract void Run(Transaction transaction);
    public abstract void Refuse(Exception error);
    public abstract void Complete();
    public abstract void Fail(Exception error);
}

internal sealed class Change<T>(Func<Transaction, T> change, bool takesAway, IReadOnlyList<Question> ahead) : Change(takesAway, ahead)
{
    private readonly TaskCompletionSource<T> completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? result;
    private Exception? refused;
    private IReadOnlyList<AuditEntry> audited = [];

    public Task<T> Task => completion.Task;

    public override IEnumerable<AuditEntry> Audited => refused is null ? audited : [];

    public override void Run(Transaction transaction)
    {
        (refused, audited) = (null, []);
        result = change(transaction);
        audited = transaction.Audited;
    }

    public override void Refuse(Exception error) => refused = error;

    public override void Complete()
    {
        if (refused is not null)
            completion.TrySetException(refused);
        else
            completion.TrySetResult(result!);
    }

    public override void Fail(Exception error) => completion.TrySetException(error);
}
