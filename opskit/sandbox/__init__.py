"""A local AWS for everything opskit needs: real training, real Jupyter, real S3 and HTTP, no account and no bill.

It is a server of its own that shares nothing with the rest of opskit but HTTP: any AWS client reaches it
through ``AWS_ENDPOINT_URL``. moto answers what AWS answers plainly; the services here own what moto lacks or
fakes too kindly (quotas, jobs that truly run, notebooks that truly are Jupyter).
"""
